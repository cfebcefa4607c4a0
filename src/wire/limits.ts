/** Sizes that hold on the wire, all checked before anything is allocated. */

/** One message of a topic. */
export const messageBytesMax: number = 64 * 1024;
/** One log entry: tlog-tiles stores its length in 16 bits. */
export const entryBytesMax = 65_535;
/** The canonical bytes of a block body. */
export const bodyBytesMax: number = 60 * 1024;
/** A signed manifest in its envelope. */
export const manifestBytesMax: number = 512 * 1024;
/** Members of a consortium. */
export const membersMax = 100;
/** Most bytes asked for in one fetch. */
export const fetchBytesMax: number = 1024 * 1024 * 1024;
