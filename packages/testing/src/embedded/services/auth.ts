import type { Services } from "@quorumkit/proto";
import type { ServiceWork } from "./context.ts";

/** The auth service. Who may do what here is told by `auth/requirements.ts`, before the work. */
export function authHandlers(): ServiceWork<Services["auth"]> {
  return handlers;
}

const handlers: ServiceWork<Services["auth"]> = {
  authEnable: (_request, { state: { auth } }) => {
    auth.enable();
    return {};
  },
  authDisable: (_request, { state: { auth } }) => {
    auth.disable();
    return {};
  },
  authStatus: (_request, { state: { auth } }) => ({ enabled: auth.enabled, authRevision: auth.revision }),
  authenticate: ({ name, password }, { state: { auth } }) => ({ token: auth.authenticate(name, password) }),
  userAdd: (request, { state: { auth } }) => {
    auth.addUser(request);
    return {};
  },
  userGet: ({ name }, { state: { auth } }) => ({ roles: auth.rolesOf(name) }),
  userList: (_request, { state: { auth } }) => ({ users: auth.userNames() }),
  userDelete: ({ name }, { state: { auth } }) => {
    auth.deleteUser(name);
    return {};
  },
  userChangePassword: (request, { state: { auth } }) => {
    auth.changePassword(request);
    return {};
  },
  userGrantRole: ({ user, role }, { state: { auth } }) => {
    auth.grantRole(user, role);
    return {};
  },
  userRevokeRole: ({ name, role }, { state: { auth } }) => {
    auth.revokeRole(name, role);
    return {};
  },
  roleAdd: ({ name }, { state: { auth } }) => {
    auth.addRole(name);
    return {};
  },
  roleGet: ({ role }, { state: { auth } }) => ({ perm: auth.permissionsOf(role) }),
  roleList: (_request, { state: { auth } }) => ({ roles: auth.roleNames() }),
  roleDelete: ({ role }, { state: { auth } }) => {
    auth.deleteRole(role);
    return {};
  },
  roleGrantPermission: ({ name, perm }, { state: { auth } }) => {
    auth.grantPermission(name, perm);
    return {};
  },
  roleRevokePermission: ({ role, key, rangeEnd }, { state: { auth } }) => {
    auth.revokePermission(role, key, rangeEnd);
    return {};
  },
};
