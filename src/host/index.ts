export { HostError, type HostErrorFacts } from './errors.ts';
export { consoleLogger } from './console-logger.ts';
export { fileLogger } from './file-logger.ts';
export { logDefaults, validateLogSettings, type LogSettings } from './log-settings.ts';
export { systemClock } from './system-clock.ts';
export { systemRandom } from './system-random.ts';
export { diskStore } from './disk-store.ts';
export { machineFault, errnoOf, onDisk } from './disk-error.ts';
export { folderBytes, freeDiskBytes, loopbackFault, openFilesMax } from './machine-limits.ts';
export { machineLine, readMachine, type Machine } from './machine.ts';
export { findBuildTools, type BuildTools } from './build-tools.ts';
export {
  askControl,
  openControlSocket,
  type ControlAnswer,
  type ControlHandler,
  type ControlRequest,
  type ControlSocket,
} from './control-socket.ts';
export { serviceNotify, type ServiceNotify } from './service-notify.ts';
export { lockFolder, type FolderLock } from './folder-lock.ts';
export { readKeyFile, writeKeyFile } from './key-file.ts';
export {
  createPrivateFolder,
  fillPrivateFolder,
  folderIdentity,
  replacePrivateFolder,
  requireNewFolder,
  requirePrivateFolder,
  type NewFiles,
} from './private-folder.ts';
export { readArchive, readHead, writeArchive, type Archive } from './archive.ts';
export { programDigest } from './program-digest.ts';
export { installedVersions } from './installed-versions.ts';
export { packageFile } from './package-file.ts';
export { modelFolderOf } from './model-folder.ts';
export { readTail } from './file-tail.ts';
export { isAbsent } from './durable-files.ts';
export { readRegularFile } from './regular-file.ts';
export { openFileSet } from './file-set.ts';
export type { FileSet, SetFile } from './set-file.ts';
export { makeThreadNice } from './thread-priority.ts';
export { freePorts, listenFault, modesBelow, syncTrialMs } from './trials.ts';
