export { HistoryError, type HistoryProblem } from "./errors.ts";
export type { History, HistoryEvent, HistoryEventType, HistoryInput, TornLine } from "./event.ts";
export { type HistoryFile, type HistoryFileOptions, openHistoryFile } from "./history-file.ts";
export { type HistoryLines, readHistory } from "./read-history.ts";
export { HistoryRecorder, type HistoryRecorderOptions, type Pending, type Subject } from "./recorder.ts";
export { formatVerdict, type Verdict, type Violation } from "./verdict.ts";

export type { SearchBounds } from "./linearizability/bounds.ts";
export { checkRegister, type CheckRegisterOptions } from "./register/check-register.ts";
export { checkFencedMutex, type CheckFencedMutexOptions } from "./fenced-mutex/check-fenced-mutex.ts";
export type { MutexGuard } from "./fenced-mutex/mutex-model.ts";
export {
  checkLeadership,
  type CheckLeadershipOptions,
  type ElectionSummary,
  type LeadershipVerdict,
} from "./leadership/check-leadership.ts";

export { checkWatch } from "./watch/check-watch.ts";
export type {
  PreviousVersion,
  TrueLog,
  WatchChange,
  WatchedBatch,
  WatchRecording,
  WatchRequest,
} from "./watch/recording.ts";
export { recordWatch, recordWatchBatch, watchRecordings } from "./watch/watch-history.ts";
