/** Models that stages begin from, in a node's folder under their digests: the plan names no more than these. */
import { AnnulusError, type Digest, type Store } from '../base/index.ts';
import { decodeStudent, encodeStudent, type StudentPackage } from '../distill/index.ts';
import { HospitalError } from './errors.ts';

const fileNames = ['model.json', 'model.safetensors'] as const;

/** Writes a model where `readStartModel` finds it. */
export async function keepStartModel(store: Store, student: StudentPackage): Promise<void> {
  for (const [name, bytes] of encodeStudent(student)) {
    await store.write(placeOf(student.digest, name), bytes);
  }
}

/** @throws {HospitalError} 'bad_start' when it is not there, or not the one that the digest names */
export async function readStartModel(
  store: Pick<Store, 'read'>,
  digest: Digest,
): Promise<StudentPackage> {
  const refuse = (reason: string, cause?: unknown): HospitalError =>
    new HospitalError({ code: 'bad_start', digest, reason }, { cause });
  const files = new Map<string, Uint8Array>();
  for (const name of fileNames) {
    const bytes = await store.read(placeOf(digest, name));
    if (bytes === null) throw refuse(`${placeOf(digest, name)} is missing`);
    files.set(name, bytes);
  }
  try {
    const student = decodeStudent(files);
    if (student.digest === digest) return student;
    throw refuse(`what lies there has the digest ${student.digest}`);
  } catch (error) {
    if (!(error instanceof AnnulusError) || error instanceof HospitalError) throw error;
    throw refuse(error.message, error);
  }
}

function placeOf(digest: Digest, name: string): string {
  return `start/${digest}/${name}`;
}
