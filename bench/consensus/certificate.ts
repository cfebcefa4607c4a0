/**
 * How long a certificate of 67 signatures takes to verify (a quorum of 100 members), beside two other programs that verify as
 * many Ed25519 signatures in the same run: Python's `cryptography` and `openssl speed`. Processor time: what else runs does not count.
 *
 *   node --disable-warning=ExperimentalWarning bench/consensus/certificate.ts [--runs 200]
 */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { base64, utf8, type Digest } from '../../src/base/index.ts';
import { digestOf, generateEd25519, sha256 } from '../../src/crypto/index.ts';
import { consensusDomain, quorumOf, verifyCertificate } from '../../src/wire/index.ts';
import { statementBytes, type Certificate } from '../../src/wire/certificate.ts';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '200' } } });
const runs = Number(values.runs);
const memberCount = 100;
const quorum = quorumOf(memberCount);
const cid: Digest = digestOf(utf8('bench'));

const keys = Array.from({ length: memberCount }, (_, i) => generateEd25519(sha256(utf8(`${i}`))));
const context = { cid, epoch: 1, members: keys };
const statement = { t: 'FINALIZE', cid, e: 1, h: 7, v: 0, x: digestOf(utf8('body')) } as const;
const bytes = statementBytes(statement);
const sigs = keys
  .slice(0, quorum)
  .map((key, i) => [i, base64(key.sign(consensusDomain, bytes))] as const);
const certificate: Certificate = { kind: 'FINALIZE', h: 7, v: 0, x: statement.x, sigs };

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;
}

const python = `
import sys, time, json, base64
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
job = json.load(sys.stdin)
message = base64.b64decode(job["message"])
pairs = [(base64.b64decode(k), base64.b64decode(s)) for k, s in job["pairs"]]
times = []
for _ in range(job["runs"]):
    begun = time.process_time()
    for key, signature in pairs:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    times.append(1000 * (time.process_time() - begun))
print(sorted(times)[len(times) // 2], min(times))
`;

function pythonMs(): string {
  const message = Buffer.concat([utf8(`${consensusDomain}\n`), bytes]).toString('base64');
  const pairs = sigs.map(([i, sig]) => [base64(keys[i]?.publicKey ?? new Uint8Array()), sig]);
  try {
    const said = execFileSync('/usr/bin/python3', ['-c', python], {
      input: JSON.stringify({ message, pairs, runs }),
    }).toString();
    const [half, least] = said.trim().split(' ').map(Number);
    return `half within ${half?.toFixed(2) ?? ''} ms, the fastest ${least?.toFixed(2) ?? ''} ms`;
  } catch {
    return 'not here, or it refuses them';
  }
}

function opensslMs(): string {
  try {
    const args = ['speed', '-seconds', '2', 'ed25519'];
    const said = execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
    const perSecond = Number(said.trim().split('\n').at(-1)?.trim().split(/\s+/).at(-1));
    return `${((1000 * quorum) / perSecond).toFixed(2)} ms`;
  } catch {
    return 'not here';
  }
}

const times: number[] = [];
for (let run = 0; run < runs; run++) {
  const before = process.cpuUsage();
  const isGood = verifyCertificate(certificate, context);
  const { user, system } = process.cpuUsage(before);
  times.push((user + system) / 1000);
  if (!isGood) throw new Error('expected the certificate to hold');
}
const forged = {
  ...certificate,
  sigs: sigs.map(([i, sig], at) => [at === 66 ? 99 : i, sig] as const),
};
if (verifyCertificate(forged, context))
  throw new Error('expected a foreign signature to be refused');
const out = (text: string): void => void process.stdout.write(`${text}\n`);
out(`${cpus()[0]?.model ?? ''}, Node ${process.version}, load ${loadavg()[0]?.toFixed(1) ?? ''}`);
out(
  `annulus             ${quorum} signatures: half within ${median(times).toFixed(2)} ms, the fastest ${Math.min(...times).toFixed(2)} ms, the first ${times[0]?.toFixed(2) ?? ''} ms`,
);
out(`python cryptography ${quorum} signatures: ${pythonMs()}`);
out(`openssl speed       ${quorum} signatures: ${opensslMs()}`);
