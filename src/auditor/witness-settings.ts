/** The section `witnesses` of `node.yaml`: who outside the consortium is asked to cosign this node's log. */
import { checkInteger, messageOf, SettingError } from '../base/index.ts';
import { noteKeyTypes, parseVkey, type NoteKey } from '../audit/index.ts';
import { parseLogUrl } from './web-log.ts';

/** Witnesses outside the consortium. A failure of theirs stops nothing; `annulus status` shows it. */
export interface WitnessSettings {
  /** At most 16: the address and the key of each, with a blank between, as `annulus audit witness` prints them. */
  readonly ask: readonly string[];
  /** Between two looks whether there is a new head to be cosigned, s, 1..86400. */
  readonly everyS: number;
}

/** Nobody is asked. */
export const witnessDefaults: WitnessSettings = Object.freeze({
  ask: Object.freeze([]),
  everyS: 15,
});

const witnessesMax = 16;

/** A witness to ask. */
export interface OutsideWitness {
  /** Ends in a slash. */
  readonly url: string;
  readonly key: NoteKey;
}

/** @throws {SettingError} for a value out of range */
export function validateWitnessSettings(settings: WitnessSettings): void {
  checkInteger('everyS', settings.everyS, 1, 86_400);
  outsideWitnesses(settings);
}

/** The witnesses that the settings name. @throws {SettingError} */
export function outsideWitnesses({ ask }: WitnessSettings): OutsideWitness[] {
  if (ask.length > witnessesMax) {
    throw new SettingError('ask', `at most ${witnessesMax} witnesses`, ask.length);
  }
  const witnesses = ask.map(witnessOf);
  const names = witnesses.map(({ key }) => key.name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new SettingError('ask', 'each witness once', twice);
  return witnesses;
}

function witnessOf(text: string): OutsideWitness {
  const refuse = (expected: string): SettingError =>
    new SettingError('ask', expected, `"${text.slice(0, 120)}"`);
  const [address, vkey, ...more] = text.split(' ');
  if (address === undefined || vkey === undefined || more.length > 0) {
    throw refuse('"https://witness.example/ NAME+ID+KEY", the address and the key of a witness');
  }
  try {
    const key = parseVkey(vkey);
    if (key.type === noteKeyTypes.witness) return { url: parseLogUrl(address).href, key };
  } catch (error) {
    throw refuse(`an address and a key; ${messageOf(error)}`);
  }
  throw refuse('the key of a witness (cosignature/v1)');
}
