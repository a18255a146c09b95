export { Election, type CampaignOptions, type ObserveOptions } from "./election.ts";
export type { Leadership } from "./leadership.ts";
export type { ElectionOptions } from "./options.ts";
export type { LeaderFunction, RunOptions } from "./run.ts";
export type { Candidate, ElectionView } from "./view.ts";
