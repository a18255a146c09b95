export { ConfigCenter, type StoredValue } from "./config-center.ts";
export { configRejections } from "./errors.ts";
export type { ConfigOptions } from "./options.ts";
export type { PublishOptions, PublishResult } from "./publish.ts";
export type {
  ConfigChange,
  ConfigEvents,
  ConfigIssue,
  ConfigPath,
  ConfigRejection,
  ConfigSnapshot,
  ConfigState,
  DocumentName,
  Documents,
  DocumentValue,
  LayerValue,
} from "./types.ts";
