// Generated from proto/**/*.proto by scripts/generate.mjs. Do not edit.

export interface HealthCheckRequest {
  /** Empty: the server as a whole. */
  readonly service: string;
}

/** {@link HealthCheckRequest} to be encoded. */
export interface HealthCheckRequestInput {
  service?: string | undefined;
}

export const ServingStatus = {
  UNKNOWN: 0,
  SERVING: 1,
  NOT_SERVING: 2,
  /** Only from Watch: there is no such service, yet. */
  SERVICE_UNKNOWN: 3,
} as const;
export type ServingStatus = (typeof ServingStatus)[keyof typeof ServingStatus];

export interface HealthCheckResponse {
  readonly status: ServingStatus;
}

/** {@link HealthCheckResponse} to be encoded. */
export interface HealthCheckResponseInput {
  status?: ServingStatus | undefined;
}

export type HealthListRequest = Readonly<Record<string, never>>;

export type HealthListRequestInput = Readonly<Record<string, never>>;

export interface HealthListResponse {
  readonly statuses: Record<string, HealthCheckResponse>;
}

/** {@link HealthListResponse} to be encoded. */
export interface HealthListResponseInput {
  statuses?: Readonly<Record<string, HealthCheckResponseInput>> | undefined;
}
