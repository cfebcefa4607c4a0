/** A file of packed integers under way, encrypted or not. Single use; ends with `commit` or `discard`. */
import type { Digest, Store, StoreWriter } from '../../base/index.ts';
import { BulkEncryption, HashStream } from '../../crypto/index.ts';
import { IntegerPacker } from '../../weights/index.ts';

/** What a file is encrypted under; `salt` has 24 bytes that nobody can guess. */
export interface PackedFileKey {
  readonly key: Uint8Array;
  readonly context: Uint8Array;
  readonly salt: Uint8Array;
}

/** See the file's header. */
export class PackedFile {
  readonly #writer: StoreWriter;
  readonly #encryption: BulkEncryption | null;
  readonly #packer = new IntegerPacker();
  readonly #hash = new HashStream();

  private constructor(writer: StoreWriter, encryption: BulkEncryption | null) {
    this.#writer = writer;
    this.#encryption = encryption;
  }

  /** @param under null for a file that is not encrypted */
  static async create(
    store: Pick<Store, 'create'>,
    name: string,
    under: PackedFileKey | null,
  ): Promise<PackedFile> {
    const encryption =
      under === null ? null : new BulkEncryption(under.key, under.context, under.salt);
    return new PackedFile(await store.create(name), encryption);
  }

  /** The next integers. */
  async push(values: Int32Array): Promise<void> {
    await this.#write(this.#packer.push(values));
  }

  /** Gives the file its name. */
  async commit(): Promise<{ readonly digest: Digest; readonly bytes: number }> {
    await this.#write(this.#packer.end());
    if (this.#encryption !== null) await this.#add(this.#encryption.end());
    await this.#writer.commit();
    return { digest: this.#hash.digest(), bytes: this.#hash.sizeBytes };
  }

  /** Gives up what was written. */
  discard(): Promise<void> {
    return this.#writer.discard();
  }

  async #write(plaintext: Uint8Array): Promise<void> {
    await this.#add(this.#encryption === null ? plaintext : this.#encryption.push(plaintext));
  }

  async #add(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    await this.#writer.write(bytes);
  }
}
