/** A file of packed numbers under way, encrypted or not. Single use; ends with `commit` or `discard`. */
import type { Digest, Store, StoreWriter } from '../../base/index.ts';
import { BulkEncryption, HashStream } from '../../crypto/index.ts';

/** What a file is encrypted under; `salt` has 24 bytes that nobody can guess. */
export interface PackedFileKey {
  readonly key: Uint8Array;
  readonly context: Uint8Array;
  readonly salt: Uint8Array;
}

/** How numbers become bytes, in pieces of any sizes. */
export interface Packer<Values> {
  push(values: Values): Uint8Array;
  end(): Uint8Array;
}

/** See the file's header. */
export class PackedFile<Values extends Int32Array | Float32Array> {
  readonly #writer: StoreWriter;
  readonly #encryption: BulkEncryption | null;
  readonly #packer: Packer<Values>;
  readonly #hash = new HashStream();

  private constructor(
    writer: StoreWriter,
    packer: Packer<Values>,
    encryption: BulkEncryption | null,
  ) {
    this.#writer = writer;
    this.#packer = packer;
    this.#encryption = encryption;
  }

  /** @param under null for a file that is not encrypted */
  static async create<Values extends Int32Array | Float32Array>(
    store: Pick<Store, 'create'>,
    name: string,
    packer: Packer<Values>,
    under: PackedFileKey | null,
  ): Promise<PackedFile<Values>> {
    const encryption =
      under === null ? null : new BulkEncryption(under.key, under.context, under.salt);
    return new PackedFile(await store.create(name), packer, encryption);
  }

  /** The next numbers. */
  async push(values: Values): Promise<void> {
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
