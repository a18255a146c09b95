export { EtcdUnavailableError, type EtcdAttempt } from "./errors.ts";
export { EtcdCluster } from "./etcd-cluster.ts";
export { findEtcd } from "./find-etcd.ts";
export { findEtcdctl } from "./etcdctl.ts";
export { EtcdServer, type EtcdServerState } from "./etcd-server.ts";
export type { EtcdSource, StartEtcdOptions } from "./options.ts";
export { startEtcd, startEtcdCluster } from "./start.ts";
