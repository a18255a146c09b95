export { etcdTest } from "./etcd-test.ts";
export type { EtcdTestOptions } from "./options.ts";
export { sharedEtcdTest } from "./shared-etcd-test.ts";
export type { SharedEtcd } from "./shared-etcd.ts";
export type { EtcdFixtures, TestEtcd } from "./test-etcd.ts";
