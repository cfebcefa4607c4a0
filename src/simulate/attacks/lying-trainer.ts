/** A liar's learning: what its hospital learns is replaced before its peer signs it. The peer itself is the honest one. */
import { invariant, type Clock, type Random, type Store } from '../../base/index.ts';
import type { Vector } from '../../gossip/index.ts';
import type { Trainer, TrainingJob } from '../../peer/index.ts';
import { decodeSafetensors, writeModel, type ModelWeights } from '../../weights/index.ts';
import type { Attack } from './attack.ts';
import { lieOf } from './update-attacks.ts';

/** What a liar uses of the world. */
export interface LyingParts {
  readonly attack: Attack;
  /** Its own honest learning. */
  readonly trainer: Trainer;
  /** What its hospital would learn from the opposite labels. */
  readonly flipped: Trainer;
  readonly clock: Clock;
  readonly store: Store;
  readonly random: Random;
  /** What the honest learn in a round that begins at `start`, flat; empty where nobody knows. */
  readonly honestChanges: (start: Float32Array) => readonly Vector[];
}

/** See the file's header. Attacks on the network leave the learning as it is. */
export function lyingTrainer(parts: LyingParts): Trainer {
  const { attack, trainer, clock } = parts;
  const replaced = (
    change: (own: Float32Array, start: Float32Array) => Float64Array | Float32Array,
  ): Trainer => ({
    ...trainer,
    async train(job, report) {
      const result = await trainer.train(job, report);
      await replaceChange(parts, job, change);
      return result;
    },
  });
  switch (attack.kind) {
    case 'label-flip':
      return parts.flipped;
    case 'weight-lie':
      return {
        ...trainer,
        train: async (job, report) => ({
          ...(await trainer.train(job, report)),
          samples: attack.samples,
        }),
      };
    case 'late':
      return {
        ...trainer,
        async train(job, report) {
          await new Promise<void>((resolve) => void clock.setTimer(attack.delayMs, resolve));
          return trainer.train(job, report);
        },
      };
    case 'stale': {
      const earlier: Float32Array[] = [];
      return replaced((own) => {
        earlier.push(own);
        return earlier.at(-1 - attack.rounds) ?? own;
      });
    }
    case 'two-faced':
    case 'lying-reducers':
    case 'withhold':
    case 'flood':
      return trainer;
    case 'sign-flip':
    case 'scale':
    case 'noise':
    case 'free-rider':
    case 'alie':
    case 'ipm':
    case 'min-max':
      return replaced((own, start) => {
        const known = parts.honestChanges(start);
        const honest = known.length > 0 ? known : [own];
        const liarCount = attack.liars.length;
        return lieOf(attack, { own, honest, liarCount, random: parts.random });
      });
  }
}

async function replaceChange(
  { store }: LyingParts,
  { start, into }: TrainingJob,
  change: (own: Float32Array, start: Float32Array) => Float64Array | Float32Array,
): Promise<void> {
  const [from, after] = [await modelIn(store, start), await modelIn(store, into)];
  const [flatFrom, flatAfter] = [flat(from), flat(after)];
  const sent = change(
    flatAfter.map((x, t) => x - (flatFrom[t] as number)),
    flatFrom,
  );
  let at = 0;
  const lying = from.map(({ name, shape, data }) => {
    const moved = data.map((x, t) => x + (sent[at + t] as number));
    at += data.length;
    return { name, shape, data: moved };
  });
  await writeModel(store, into, lying);
}

async function modelIn(store: Store, name: string): Promise<ModelWeights> {
  const bytes = await store.read(name);
  invariant(bytes !== null, 'a model of this round is there');
  return decodeSafetensors(bytes).tensors.map(({ name: tensor, shape, data }) => {
    invariant(data instanceof Float32Array, 'models are of float32');
    return { name: tensor, shape, data };
  });
}

function flat(model: ModelWeights): Float32Array {
  return Float32Array.from(model.flatMap(({ data }) => [...data]));
}
