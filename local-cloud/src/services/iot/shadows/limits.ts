/** Quotas of the Device Shadow service (AWS General Reference, "AWS IoT Core endpoints and quotas", Device Shadow). */

/** Bytes of a state document, its desired and reported sections as JSON; metadata does not count. */
export const STATE_BYTES = 8 * 1024;
/** Levels of members within the desired or the reported section. */
export const NESTING = 8;
/** Bytes of a client token in UTF-8. */
export const CLIENT_TOKEN_BYTES = 64;
/** Names of shadows (API reference, `ShadowName`). */
export const SHADOW_NAME = /^[$a-zA-Z0-9:_-]{1,64}$/;
/** Names of things (API reference, `ThingName`). */
export const THING_NAME = /^[a-zA-Z0-9:_-]{1,128}$/;
