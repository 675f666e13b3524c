export { type Arrival, type Asked, type Attempt, connectionStands, insertArrival } from './arrivals.ts'
export {
  dueEnds,
  type Heard,
  postponeEnd,
  reviewSources,
  type Source,
  type Sources,
  type Word,
  writeSources,
} from './attribute-sources.ts'
export { type BrakeRow, countChanges, countPeople, findBrake, holdBrake, releaseBrake } from './brakes.ts'
export * from './captures.ts'
export * from './conflicts.ts'
export { connect, type DatabaseAddress, type Db, disconnect, transact } from './connect.ts'
export {
  type ConnectionTestRow,
  createConnectionTest,
  findConnectionTest,
  finishConnectionTest,
  isConnectionTestWaiting,
  isTestUnderWay,
  openConnectionTest,
} from './connection-tests.ts'
export {
  type ConnectionRow,
  changeConnection,
  createConnection,
  deleteConnection,
  findConnection,
  listConnections,
  type NewConnection,
  type OidcConnectionRow,
  oidcConnections,
} from './connections.ts'
export {
  createScimCredential,
  findScimCredential,
  isScimAtWork,
  listScimCredentials,
  revokeScimCredential,
  rotateScimCredential,
  type ScimCaller,
  type ScimCredentialRow,
  touchScimCredential,
} from './credentials.ts'
export * from './domains.ts'
export { type Embedded, startEmbedded } from './embedded.ts'
export * from './erasure.ts'
export { type Failure, failureOf } from './errors.ts'
export { decisionsAbout, type EventRow, eventsOf, type NewEvent, recordEvents } from './events.ts'
export { endings, removeExpired } from './expired.ts'
export { groupFilterColumns, userFilterColumns } from './filter-columns.ts'
export { changeGroup, deleteGroup, type GroupWritten, insertGroup, type MemberSets } from './group-changes.ts'
export { isInItself } from './group-nesting.ts'
export * from './group-roles.ts'
export {
  countGroups,
  findGroup,
  type GroupRecord,
  type GroupRow,
  type GroupWithMembers,
  groupListFirstParameter,
  listGroups,
  lockGroup,
  type MemberRow,
} from './groups.ts'
export { claimHeld, keepHeld, retrySoon } from './held-people.ts'
export * from './held-roles.ts'
export { holdAlone } from './hold.ts'
export { findHold, type HoldRow, liftHold, placeHold } from './holds.ts'
export { type HomeMove, moveHomes } from './home-moves.ts'
export { checkInvariants, type Violation } from './invariants.ts'
export { takeLease } from './leases.ts'
export * from './leaving.ts'
export { findMatches, isPlaced, linkIdentity, type Match, type MatchedBy, type MatchKeys } from './linking.ts'
export { type LoginRow, loginsOf } from './logins.ts'
export { deleteLogo, findLogo, type LogoRow, logoVersion, putLogo } from './logos.ts'
export {
  countOwned,
  deleteMemberships,
  hasOwner,
  listMembers,
  type MembershipRow,
  type MembershipSource,
  membershipsIn,
  type Place,
  type PlaceKey,
  type PlaceMemberRow,
  putMembership,
} from './memberships.ts'
export { migrate, pendingMigrations } from './migrate.ts'
export type {
  ClaimRule,
  ClaimSettings,
  ClaimSource,
  ConnectionSettings,
  OidcSettings,
  ProviderPins,
  ScimSettings,
  SessionSettings,
  SignalSettings,
} from './models/connection.ts'
export { findNewcomer, listNewcomers, type NewcomerRow } from './newcomers.ts'
export {
  briefly,
  type ChecklistRow,
  checklistOf,
  findChecklist,
  finishStep,
  forgetProgress,
  isChecklistOn,
  isOnboardingThere,
  onboardingProgress,
  type ProgressRow,
  putChecklist,
  setDismissed,
} from './onboarding.ts'
export {
  createOrganization,
  findOrganization,
  listOrganizations,
  type NewOrganization,
  type OrganizationRow,
  setRequestLimit,
} from './organizations.ts'
export { expiredGuests, leftUntold, longSuspended } from './overdue.ts'
export * from './own-workspaces.ts'
export { dropNeedless, listTransfers, lockTransfer, type TransferRow } from './pending-transfers.ts'
export {
  findPerson,
  findRecord,
  holdPerson,
  type ListedPersonRow,
  listPeople,
  type PersonRow,
  peopleFirstParameter,
} from './people.ts'
export { dataLists, listedData, openSnapshot, personData } from './person-data.ts'
export {
  currentPolicy,
  existingPlaces,
  findPolicyVersion,
  insertPolicy,
  listPolicyVersions,
  type PolicyRow,
  type PolicyVersion,
  supposedPolicy,
} from './policies.ts'
export {
  claimProviderDocument,
  type DocumentKey,
  findProviderDocument,
  keepProviderDocument,
  keepProviderFailure,
  type ProviderDocumentRow,
} from './provider-documents.ts'
export { approveProvider, forgetDrift, pinProvider, recordDrift } from './provider-pins.ts'
export * from './public-connection.ts'
export * from './public-identities.ts'
export * from './reevaluations.ts'
export {
  type DepartureRow,
  freshnessByConnection,
  heldByReason,
  type LatencyRow,
  peopleByStatus,
  type Range,
  timeToGone,
  timeToReady,
  workspacesByKind,
} from './reports.ts'
export {
  findRequests,
  insertRequests,
  listRequests,
  type NewRequest,
  type RequestRow,
  type RequestsAsked,
  removeRequests,
  requestBeyond,
  requestsWithoutEvent,
} from './requests.ts'
export { type NamedPlaces, nextOfRoles, type RoleBesideRow, rolesBeside } from './role-drift.ts'
export {
  createScimClient,
  findScimClient,
  grantScimToken,
  listScimClients,
  type NewScimClient,
  revokeScimClient,
  type ScimClientRow,
} from './scim-clients.ts'
export {
  deleteScimSchema,
  listScimSchemas,
  putScimSchema,
  type ScimSchemaRow,
  scimSettings,
  usedAttributes,
} from './scim-schemas.ts'
export {
  deleteScimValue,
  listScimValues,
  putScimValue,
  type ScimValueRow,
  unlistedValues,
  type ValueKind,
} from './scim-values.ts'
export type { Scope } from './scope.ts'
export {
  beginSession,
  endSession,
  endSessionOf,
  endSessions,
  findSession,
  listSessions,
  type NewSession,
  type SessionRow,
  touchSession,
  type UserSessionRow,
} from './sessions.ts'
export {
  type SignInTransactionRow,
  saveSignInTransaction,
  takeSignInTransaction,
  takeSignInWithConnection,
} from './sign-in-transactions.ts'
export {
  endIfSignedOut,
  endProviderSessions,
  noteSignOut,
  spendToken,
} from './sign-outs.ts'
export { endSessionsAtConnection, personByAddress, personByLogin, type SignalledPerson } from './signals.ts'
export {
  addSigningKey,
  forgetSigningKeys,
  listSigningKeys,
  type NewSigningKey,
  type SigningKeyRow,
} from './signing-keys.ts'
export * from './teams.ts'
export {
  archiveWorkspaces,
  giveWorkspace,
  headsOf,
  holdOwned,
  holdSuccessor,
  leaveOwn,
  managerIdOf,
  type OwnedRow,
  pendTransfer,
  reviveWorkspaces,
} from './transfers.ts'
export {
  domainsToCheck,
  entrancesOfDomain,
  environmentOrganization,
  findAdminKey,
  isReachable,
  keepAdminKey,
  openReevaluations,
  organizationByDomain,
  organizationBySlug,
  organizationOfConnection,
  organizationsToRetry,
  organizationsToSeeOff,
  organizationsToTidy,
  organizationsWithEnds,
  organizationsWithRequests,
  type PersonKey,
  peopleAnywhere,
  pollingConnections,
} from './unscoped.ts'
export { writeActivity } from './user-activity.ts'
export { insertPushed } from './user-batches.ts'
export { countUsers, listUsers, userListFirstParameter } from './user-list.ts'
export {
  findUser,
  lockUser,
  type NewIdentity,
  type NewPlace,
  type ResourceRow,
  type Role,
  type ShownRow,
  showUser,
  type UserRecord,
  type UserRow,
  type UserStatus,
  updateUser,
} from './users.ts'
export type { Withheld } from './withheld.ts'
export * from './workspaces.ts'
