/** Addresses and labels as people type them. */
import { usageError } from '../errors.ts';

const portMax = 65_535;

/**
 * `host:port` as a multiaddress; one that is written as such already stays as it is.
 *
 * @throws {CliError} 'usage'
 */
export function multiaddressOf(text: string): string {
  if (/^\/(ip4|ip6|dns4|dns6|dns)\/[\x21-\x2e\x30-\x7e]+\/tcp\/[0-9]{1,5}$/.test(text)) return text;
  const [, six, host = '', port = ''] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const number = Number(port);
  if ((six === undefined && host === '') || number < 1 || number > portMax) {
    throw usageError(
      `--address: expected host:port, for instance annulus.hospital.example:4001 or [2001:db8::1]:4001, got "${text.slice(0, 80)}"`,
    );
  }
  if (six !== undefined) return `/ip6/${six}/tcp/${number}`;
  const isFour = /^[0-9.]+$/.test(host);
  if (isFour && !host.split('.').every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) {
    throw usageError(`--address: ${host} is no IPv4 address`);
  }
  return `/${isFour ? 'ip4' : 'dns4'}/${host}/tcp/${number}`;
}

/** All of `--address`; none for a hospital that can only dial out. @throws {CliError} 'usage' */
export function readAddresses(texts: readonly string[]): string[] {
  if (texts.length > 8) throw usageError(`--address: expected at most 8, got ${texts.length}`);
  return texts.map(multiaddressOf);
}

/** `hps,ms` as tasks. @throws {CliError} 'usage' naming those there are */
export async function readLabels(text: string): Promise<string[]> {
  const { taskIds } = await import('../../data/index.ts');
  const { nearest } = await import('../../config/index.ts');
  const labels = text.split(',').filter((label) => label !== '');
  for (const label of labels) {
    if ((taskIds as readonly string[]).includes(label)) continue;
    const guess = nearest(label, taskIds);
    throw usageError(
      `--labels: there is no task ${label.slice(0, 40)}: ${guess === null ? `expected ${taskIds.join(', ')}` : `did you mean ${guess}?`}`,
    );
  }
  return [...new Set(labels)].sort();
}
