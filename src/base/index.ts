export { AnnulusError, InvariantError, invariant, messageOf, type ErrorFacts } from './errors.ts';
export {
  parseDigest,
  parseHeight,
  parseNodeId,
  parseRoundNumber,
  type Digest,
  type Height,
  type NodeId,
  type RoundNumber,
} from './ids.ts';
export {
  base64,
  concatBytes,
  equalBytes,
  fromBase64,
  fromHex,
  fromUtf8,
  hex,
  utf8,
} from './bytes.ts';
export { foreignKind, foreignText } from './foreign-files.ts';
export type { CancelTimer, Clock, Logger, LogLevel, Random, Store, StoreWriter } from './ports.ts';
export { doNow, makeNow, type NamedWork, type PureWork } from './pure-work.ts';
export { seededRandom } from './random.ts';
export { printableLine, printableText } from './printable.ts';
export { checkChoice, checkInteger, SettingError, checkNumber } from './check.ts';
