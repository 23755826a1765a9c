/** Milliseconds after which a device will not come back to a certificate that it was given and never acknowledged. */
export const PENDING_LIFE = 86_400_000;
