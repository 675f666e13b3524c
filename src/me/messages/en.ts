const ask = 'Ask an administrator of your organization'
const address = `Check the address, or ask an administrator of your organization for it.`
const meant = `${ask} whether this is meant to be so.`
const whose =
  'An administrator of your organization has been asked which account is yours. Try again once that is settled; if it takes long, give the reference below.'
const held = `${ask} to see to it, and give the reference below. Then sign in again: nothing else is needed from you.`
const setUp = `${ask} to check how the connection to your identity provider is set up.`
const wait = 'The identity provider has trouble at the moment. Try again in a little while.'
const soon = 'Try again in a little while.'
const report = `If it happens again, ${ask.toLowerCase()} and give the reference below.`

/** What happened, and what to do. */
export interface Reason {
  readonly what: string
  readonly next: string
}

/** By the code of a refusal. */
const reasons = {
  unknown_organization: { what: 'There is no sign-in at this address.', next: address },
  unknown_connection: { what: 'There is no sign-in at this address.', next: address },
  invalid_request: { what: 'A parameter is missing, repeated or malformed.', next: report },
  invalid_return_to: {
    what: 'The address to return to is not a page of this service.',
    next: 'Sign in at your organization’s own address instead.',
  },
  issuer_mismatch: { what: 'The identity provider named itself differently than expected.', next: setUp },
  state_unknown: {
    what: 'This sign-in has expired or was already completed.',
    next: 'Please start again.',
  },
  test_unknown: {
    what: 'This test has expired or was already begun.',
    next: 'An administrator can start another.',
  },
  browser_mismatch: { what: 'This sign-in was not begun in this browser.', next: 'Please start again.' },
  provider_error: {
    what: 'The identity provider refused the sign-in.',
    next: `${ask} whether you are assigned to this application.`,
  },
  invalid_grant: {
    what: 'The identity provider no longer accepts this sign-in.',
    next: 'Please start again.',
  },
  invalid_id_token: { what: 'The identity provider sent a token that cannot be accepted.', next: setUp },
  invalid_claims: {
    what: 'The identity provider described the person in a way that cannot be accepted.',
    next: setUp,
  },
  invalid_userinfo: {
    what: 'The identity provider described somebody else than its token did.',
    next: setUp,
  },
  wrong_tenant: {
    what: 'This account belongs to another directory than the one that signs in here.',
    next: 'Choose your account of this organization at the identity provider.',
  },
  authentication_too_old: {
    what: 'The identity provider has met you longer ago than is allowed here.',
    next: 'Sign out at the identity provider, and try again.',
  },
  authentication_too_weak: {
    what: 'The identity provider has not met you in the way that is needed here.',
    next: `Try again with a second factor, or ${ask.toLowerCase()} for one.`,
  },
  invalid_logout_token: { what: 'The sign-out that the provider sent cannot be accepted.', next: setUp },
  no_signals: { what: 'No signals are received here.', next: setUp },
  signal_unauthenticated: { what: 'The transmitter of signals did not show its secret.', next: setUp },
  invalid_signal: { what: 'The signal that the provider sent cannot be accepted.', next: setUp },
  logout_token_replayed: { what: 'This sign-out of the provider was received before.', next: setUp },
  cross_site: { what: 'This request came from another site.', next: 'Nothing was changed.' },
  provider_metadata: {
    what: 'The identity provider is not set up as this connection expects.',
    next: setUp,
  },
  provider_address: { what: 'The identity provider points to an address that cannot be used.', next: setUp },
  provider_response: { what: 'The identity provider sent an answer that makes no sense.', next: wait },
  provider_unreachable: { what: 'The identity provider could not be reached.', next: wait },
  client_rejected: {
    what: 'The identity provider does not accept this service as its client.',
    next: setUp,
  },
  provider_drifted: {
    what: 'The identity provider has changed in a way that an administrator must approve first.',
    next: `${ask} to approve the change.`,
  },
  provider_timeout: { what: 'The identity provider did not answer in time.', next: wait },
  user_name_taken: { what: 'Another person of this organization has your user name.', next: whose },
  external_id_taken: { what: 'Another person of this organization has your identifier.', next: whose },
  ambiguous_person: { what: 'Two accounts of this organization could be yours.', next: whose },
  login_taken: { what: 'The account this sign-in points to has a different login already.', next: whose },
  just_in_time_off: {
    what: 'This organization lets nobody in who has not been assigned to it first.',
    next: `${ask} to assign you to this application.`,
  },
  not_pushed: {
    what: 'Only people whom the organization’s directory has sent here may sign in.',
    next: `${ask} to assign you to this application.`,
  },
  domain_not_verified: {
    what: 'Only people with an address in the organization’s own domains may sign in.',
    next: 'Please sign in with the account of your organization.',
  },
  domain_managed: {
    what: 'People with your address sign in through their organization.',
    next: 'Sign in there; what you may have had here is kept.',
  },
  signed_out: {
    what: 'You were signed out while you signed in.',
    next: 'Please start again.',
  },
  suspended: { what: 'The account has been suspended.', next: meant },
  workspace_unavailable: {
    what: 'The workspace that you were to work in is closed, so there is no place for you yet.',
    next: held,
  },
  home_unknown: {
    what: 'Your organization has not said yet which team people like you belong to, so there is no place for you yet.',
    next: held,
  },
  deprovisioned: { what: 'The account has been removed.', next: meant },
  too_many_requests: { what: 'There were too many requests in a short time.', next: soon },
  payload_too_large: { what: 'The form holds more than can be read.', next: report },
  unsupported_media_type: { what: 'The form came in a shape that cannot be read.', next: report },
  not_found: { what: 'There is nothing at this address.', next: address },
  unavailable: { what: 'The service is briefly unavailable.', next: soon },
  internal: { what: 'Something went wrong on our side.', next: report },
} satisfies Record<string, Reason>

/** Everything that pages say, in English. */
export const en = {
  locale: 'en',
  reasons,
  refused: {
    title: 'You are not signed in',
    said: 'It said:',
    again: 'Try again',
    reason: 'Reason',
    reference: 'Reference',
  },
  find: {
    title: 'Sign in',
    label: 'Your e-mail address at work',
    hint: 'What follows the @ finds your organization. Nothing of it is kept.',
    submit: 'Continue',
    malformed: 'This is not an e-mail address. One looks like name@company.example.',
    unknown: 'No organization signs in here by this domain.',
    instead:
      'You can still sign in at your organization’s own address; an administrator of it knows it. It looks like',
    placeholder: 'organization',
  },
  failed: { title: 'This did not work' },
  signedOut: {
    title: 'You are signed out',
    text: 'You can close this window.',
    again: 'Sign in again',
  },
  toTest: {
    title: 'Test the sign-in?',
    text: 'You will sign in at the identity provider as usual. Nobody is signed in here by it, and nothing is changed.',
    seen: 'For less than an hour, administrators can see what the identity provider says of you.',
    begin: 'Begin the test',
  },
  tested: {
    title: 'The test is over',
    well: 'You would have been signed in. Nobody was, and nothing was changed; you can close this window.',
    unwell:
      'You would not have been signed in; why is in the report. Nothing was changed; you can close this window.',
    kept: 'For less than an hour, administrators can see what the identity provider said of you.',
  },
  confirm: {
    title: 'Sign out?',
    text: 'Your session ends in this browser; nothing of yours is lost.',
    leave: 'Sign out',
    stay: 'Stay signed in',
  },
  choose: { title: 'Choose how to sign in' },
  nobody: { title: 'Usher', text: 'Nobody is signed in here.', enter: 'Sign in' },
  place: {
    none: 'No workspace yet',
    welcome: 'Welcome,',
    signedInAs: 'Signed in as',
    organization: 'Organization',
    workspace: 'Workspace',
    role: 'Your role',
    home: 'Home',
    roles: { owner: 'owner', admin: 'administrator', member: 'member', viewer: 'viewer' },
    leave: 'Sign out',
  },
  checklist: {
    title: 'Getting started',
    progress: 'Done:',
    done: 'done',
    open: 'to do',
    finish: 'Mark as done',
    dismiss: 'Hide this list',
    resume: 'Show the list of first steps',
    complete: 'You have done it all.',
  },
}

export type Messages = typeof en
