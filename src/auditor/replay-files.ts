/** The store that a round is repeated in: what members left is read, what is made goes to a place of its own. */
import type { Store } from '../base/index.ts';

/** Files of members' folders, read and never written: `blobs/<digest>` and `start/<digest>/…`. */
export type MemberFiles = Pick<Store, 'read' | 'size' | 'readPart'>;

const memberFolders = ['blobs/', 'start/'] as const;

/** `scratch`, in which the members' files seem to lie. */
export function withMemberFiles(scratch: Store, files: MemberFiles): Store {
  const placeOf = (name: string): MemberFiles =>
    memberFolders.some((folder) => name.startsWith(folder)) ? files : scratch;
  return {
    read: (name) => placeOf(name).read(name),
    size: (name) => placeOf(name).size(name),
    readPart: (name, offset, length) => placeOf(name).readPart(name, offset, length),
    has: async (name) => (await placeOf(name).size(name)) !== null,
    write: (name, bytes) => scratch.write(name, bytes),
    append: (name, bytes) => scratch.append(name, bytes),
    writePart: (name, offset, bytes) => scratch.writePart(name, offset, bytes),
    sync: (name) => scratch.sync(name),
    create: (name) => scratch.create(name),
    move: (from, to) => scratch.move(from, to),
    list: (prefix) => scratch.list(prefix),
    remove: (name) => scratch.remove(name),
  };
}

/** The first of several members' folders that has a file. */
export function firstOf(folders: readonly MemberFiles[]): MemberFiles {
  const ask = async <T>(look: (folder: MemberFiles) => Promise<T | null>): Promise<T | null> => {
    for (const folder of folders) {
      const found = await look(folder);
      if (found !== null) return found;
    }
    return null;
  };
  return {
    read: (name) => ask((folder) => folder.read(name)),
    size: (name) => ask((folder) => folder.size(name)),
    readPart: (name, offset, length) => ask((folder) => folder.readPart(name, offset, length)),
  };
}
