/** The folder inside the state folder in which namespaces are pinned. */
export const PINS = "pins";
