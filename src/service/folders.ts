/** The folder inside the state folder in which namespaces are pinned. */
export const PINS = "pins";
/** The folder inside the state folder that tells of devices which came home a moment ago. */
export const RETURNED = "returned";
