/**
 * Takes out of a text what must not leave a hospital: keys, passphrases, names of cases, paths, and, unless asked otherwise,
 * names and addresses of machines. What is taken out leaves a stand-in: the same for the same thing, so that lines can still be
 * compared. When in doubt it takes out: a digest too much costs little.
 */
import { utf8 } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';

/** What is known to be secret, or to have a name of its own. */
export interface RedactionFacts {
  /** Absolute paths, with what stands for each: `<home>`. Longer ones go first. */
  readonly folders: readonly { readonly path: string; readonly standIn: string }[];
  /** Names of case folders, as the hospital gave them. */
  readonly caseNames: readonly string[];
  /** Texts that nobody may see: passphrases that this process knows. */
  readonly secrets: readonly string[];
  /** Texts of 32 bytes and more that everybody may see: public keys, digests of the manifest. */
  readonly open: readonly string[];
  /** Hosts of the members, with what stands for each; null leaves all addresses as they are. */
  readonly hosts: readonly { readonly host: string; readonly standIn: string }[] | null;
}

/** Shorter names would be found in every word; they go where a path shows that they are a case's. */
const nameLengthMin = 4;

const longHex = /(?<![0-9A-Za-z])[0-9a-fA-F]{32,}(?![0-9A-Za-z])/g;
/** Both alphabets of base64, from 16 bytes on. */
const longBase64 = /(?<![0-9A-Za-z+/_-])[0-9A-Za-z+/_-]{22,}={0,2}(?![0-9A-Za-z+/_=-])/g;
const passwordWords =
  /((?:pass(?:phrase|word)?|secret|token)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|\S+)/gi;
const caseInPath = /\b(train|test)\/[^\s"'`:,;)\]}]+/g;
const ipv4 = /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/g;
const ipv6 = /(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?:%\w+)?(?![\w:])/g;
const dnsPart = /(\/dns(?:4|6|addr)?\/)([^/\s"']+)/g;
const keptAddresses = new Set(['127.0.0.1', '0.0.0.0', '::1', '::']);

/** @returns what redacts one text after the other, with the same stand-ins in all of them */
export function redaction(facts: RedactionFacts): (text: string) => string {
  const open = new Set(facts.open);
  const addresses = new Map<string, string>();
  const addressOf = (address: string): string => {
    if (keptAddresses.has(address) || isTime(address)) return address;
    const known = facts.hosts?.find(({ host }) => host === address)?.standIn;
    const standIn = known ?? addresses.get(address) ?? `<address-${addresses.size + 1}>`;
    if (known === undefined) addresses.set(address, standIn);
    return standIn;
  };
  return (text) => {
    let left = text;
    for (const secret of longestFirst(facts.secrets)) left = left.replaceAll(secret, '<secret>');
    left = left.replace(passwordWords, '$1<secret>');
    left = withoutPaths(left, facts.folders);
    left = left.replace(caseInPath, '$1/<case>');
    for (const name of longestFirst(facts.caseNames)) {
      if (name.length >= nameLengthMin) left = left.replaceAll(name, '<case>');
    }
    left = left.replace(longHex, (run) => (open.has(run) ? run : standInOf(run)));
    left = left.replace(longBase64, (run) => {
      return open.has(run) || isPlain(run) ? run : standInOf(run);
    });
    return facts.hosts === null ? left : withoutHosts(left, facts.hosts, addressOf);
  };
}

/** Not a part of what it stands for: of its hash, which gives nothing of 128 bits or more away. */
function standInOf(run: string): string {
  return `#${digestOf(utf8(run)).slice(0, 10)}`;
}

/** Words, and words with dashes or slashes between them, have the letters of base64 as well, but not its mixture. */
function isPlain(run: string): boolean {
  return run.split(/[-_/]/).every((word) => /^[A-Za-z]?[a-z]*(?:[A-Z][a-z]+)*\d{0,3}$/.test(word));
}

function longestFirst(texts: readonly string[]): string[] {
  return texts.filter((text) => text !== '').sort((a, b) => b.length - a.length);
}

/** A folder's stand-in and nothing of what is below it, but of the home, whose files are the program's own. */
function withoutPaths(text: string, folders: RedactionFacts['folders']): string {
  let left = text;
  for (const { path, standIn } of [...folders].sort((a, b) => b.path.length - a.path.length)) {
    if (path.length < 2) continue;
    const escaped = path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const below = standIn === '<home>' ? '' : '(?:/[^\\s"\'`:,;)\\]}]*)?';
    left = left.replace(new RegExp(`${escaped}${below}`, 'g'), standIn);
  }
  return left;
}

function withoutHosts(
  text: string,
  hosts: NonNullable<RedactionFacts['hosts']>,
  addressOf: (address: string) => string,
): string {
  let left = text.replace(dnsPart, (_, kind: string, name: string) => `${kind}${addressOf(name)}`);
  for (const { host, standIn } of [...hosts].sort((a, b) => b.host.length - a.host.length)) {
    if (!keptAddresses.has(host)) left = left.replaceAll(host, standIn);
  }
  left = left.replace(ipv4, addressOf);
  return left.replace(ipv6, (run) => (/[0-9a-fA-F]/.test(run) ? addressOf(run) : run));
}

/** `14:20:03` looks like an address of the sixth version. */
function isTime(text: string): boolean {
  return /^\d{1,2}:\d{2}:\d{2}$/.test(text);
}
