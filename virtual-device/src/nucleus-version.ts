/** The version of the Greengrass nucleus whose contract the device honours. */
export const NUCLEUS_VERSION = '2.15.0';
