/** Arithmetic of one set of voters: how many may fail, how many must agree. */

/** f = floor((n-1)/3): the most members that may lie or be away. */
export function faultCountMax(memberCount: number): number {
  return Math.floor((memberCount - 1) / 3);
}

/** q = floor(2n/3)+1: two quorums share an honest member while at most f lie. */
export function quorumOf(memberCount: number): number {
  return Math.floor((2 * memberCount) / 3) + 1;
}
