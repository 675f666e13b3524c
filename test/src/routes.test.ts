import t from 'tap'
import { loadContract } from '../../src/contract.ts'
import type { Answer, Asked, Method } from './api.ts'
import { patchOp, patchUser, person } from './people.ts'
import { checkedBy, type Route, routesOf } from './promises.ts'
import { ADMIN_KEY, PUBLIC_URL, startUsher, type Usher } from './usher.ts'

const contract = loadContract('openapi.yaml')
const check = checkedBy(contract)

const name = ({ method, path }: Route) => `${method} ${path}`
const described = contract.operations.map(({ method, path }) =>
  name({ method: method.toUpperCase() as Method, path }),
)

t.test('the contract and the routes are of the same mind', async (t) => {
  let usher: Usher | undefined
  const routes = await routesOf(async () => {
    usher = await startUsher(t)
  })
  const served = new Set(routes.map(name))
  t.same(
    described.filter((one) => !served.has(one)),
    [],
    'described, and not served',
  )
  const others = routes.filter((route) => !described.includes(name(route)))
  t.ok(others.length > 0)
  // What is not described is there to refuse: methods that an address of SCIM has no use for, or whoever asks by them.
  for (const { method, path } of others) {
    const answer = await usher?.call({ method, url: path.replace(/\{\w+\}/, 'x') })
    t.match(answer, refusalAt(path), `${method} ${path}`)
  }
})

function refusalAt(path: string): object {
  if (path.startsWith('/session/verify')) return { status: 401 }
  return path.endsWith('/Me')
    ? { status: 501, body: { status: '501' } }
    : { status: 405, headers: { allow: /GET|POST/ }, body: { status: '405' } }
}

t.test('answers are as the contract describes them', async (t) => {
  const records: string[] = []
  const usher = await startUsher(t, { resolveTxt: async () => records })
  const seen = new Set<string>()
  const fits = (operationId: string, answer: Answer, status: number) => {
    seen.add(operationId)
    t.equal(answer.status, status, `${operationId} is ${status}: ${answer.text.slice(0, 200)}`)
    t.same(check(operationId, answer), [], `${operationId} ${status} fits`)
    return answer.body
  }
  const issuer = 'https://idp.example'
  const { organization, connection, token, scim } = await usher.makePusher({
    oidc: { issuer, clientId: 'c' },
    scim: {},
  })
  const { admin } = usher
  const { path } = organization

  await t.test('of SCIM', async () => {
    const manager = {
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { manager: { value: 'x' } },
    }
    const { id } = fits(
      'createScimUser',
      await scim('POST', '/Users', person('ada', { externalId: 'a', ...manager })),
      201,
    )
    fits('createScimUser', await scim('POST', '/Users', person('ada')), 409)
    fits('createScimUser', await scim('POST', '/Users', '{'), 400)
    fits('getScimUser', await scim('GET', `/Users/${id}`), 200)
    fits('getScimUser', await scim('GET', `/Users/${id}?attributes=userName`), 200)
    fits('getScimUser', await usher.scim(token, { accept: 'application/json' })('GET', `/Users/${id}`), 200)
    fits('getScimUser', await usher.scim(token, { 'if-none-match': 'W/"1"' })('GET', `/Users/${id}`), 304)
    fits('getScimUser', await scim('GET', '/Users/x'), 404)
    fits('listScimUsers', await scim('GET', '/Users?count=1'), 200)
    fits('listScimUsers', await scim('GET', '/Users?filter=x eq 1'), 400)
    fits('listScimUsers', await scim('GET', '/Users?count=1&cursor='), 200)
    fits('listScimUsers', await scim('GET', '/Users?cursor=x'), 400)
    fits('listScimUsers', await usher.scim('x')('GET', '/Users'), 401)
    fits('searchScimUsers', await scim('POST', '/Users/.search', { filter: 'active eq true' }), 200)
    fits('searchScimGroups', await scim('POST', '/Groups/.search', { count: 'x' }), 400)
    fits('searchScimResources', await scim('POST', '/.search', { cursor: '' }), 200)
    fits('listScimResources', await scim('GET', '?filter=meta.resourceType eq "User"'), 200)
    fits('getScimMe', await scim('GET', '/Me'), 501)
    const { cookie } = await usher.signIn(connection, { sub: 'a' })
    fits('getScimMe', await usher.call({ method: 'GET', url: '/scim/v2/Me', headers: { cookie } }), 200)
    fits('patchScimUser', await patchUser(scim, id, { title: 'x' }), 200)
    fits('replaceScimUser', await scim('PUT', `/Users/${id}`, person('ada', { externalId: 'a' })), 200)
    const staff = { displayName: 'Staff', members: [{ value: id }] }
    const group = fits('createScimGroup', await scim('POST', '/Groups', staff), 201).id
    fits('getScimGroup', await scim('GET', `/Groups/${group}`), 200)
    fits('getScimUser', await scim('GET', `/Users/${id}`), 200)
    fits('listScimGroups', await scim('GET', '/Groups'), 200)
    fits('replaceScimGroup', await scim('PUT', `/Groups/${group}`, staff), 200)
    const rename = patchOp({ Operations: [{ op: 'replace', path: 'displayName', value: 'Crew' }] })
    fits('patchScimGroup', await scim('PATCH', `/Groups/${group}`, rename), 204)
    fits('patchScimGroup', await scim('PATCH', `/Groups/${group}?attributes=members`, rename), 200)
    fits('deleteScimGroup', await scim('DELETE', `/Groups/${group}`), 204)
    fits('deleteScimGroup', await scim('DELETE', `/Groups/${group}`), 404)
    fits('deleteScimUser', await scim('DELETE', '/Users/x'), 404)
    const bulk = {
      Operations: [
        { method: 'POST', path: '/Users', bulkId: 'b', data: person('bob') },
        { method: 'DELETE', path: '/Users/bulkId:b' },
        { method: 'DELETE', path: '/Users/x' },
        { method: 'GET' },
      ],
    }
    fits('scimBulk', await scim('POST', '/Bulk?atomic=false', bulk), 200)
    fits('scimBulk', await scim('POST', '/Bulk', { Operations: Array(1001).fill({}) }), 413)
    fits('getServiceProviderConfig', await scim('GET', '/ServiceProviderConfig'), 200)
    fits('listResourceTypes', await scim('GET', '/ResourceTypes'), 200)
    fits('getResourceType', await scim('GET', '/ResourceTypes/User'), 200)
    fits('listSchemas', await scim('GET', '/Schemas'), 200)
    fits('getSchema', await scim('GET', '/Schemas/urn:ietf:params:scim:schemas:core:2.0:User'), 200)
  })

  await t.test('of administration', async () => {
    const sent = await usher.signIn(connection, { sub: 'a' })
    t.ok(sent.cookie)
    const { id } = (await scim('GET', '/Users?filter=userName eq "ada"')).body.Resources[0] ?? { id: '' }
    fits('createOrganization', await admin('POST', '/organizations', { slug: 'routes', name: 'Routes' }), 201)
    fits('createOrganization', await admin('POST', '/organizations', { slug: 'routes', name: 'Routes' }), 409)
    fits('createOrganization', await admin('POST', '/organizations', { more: 1 }), 400)
    fits('listOrganizations', await admin('GET', '/organizations?limit=1'), 200)
    fits('getOrganization', await admin('GET', path), 200)
    fits('getOrganization', await admin('GET', '/organizations/x'), 404)
    fits('getCapture', await admin('GET', `${path}/domains/x.example/capture`), 404)
    fits('startCapture', await admin('POST', `${path}/domains/x.example/capture`, {}), 404)
    const open = { oidc: { issuer, clientId: 'c', clientSecret: 's' } }
    fits('putPublicConnection', await admin('PUT', '/public-connection', open), 200)
    fits('putPublicConnection', await admin('PUT', '/public-connection', { name: 'x' }), 400)
    fits('getPublicConnection', await admin('GET', '/public-connection'), 200)
    fits('deletePublicConnection', await admin('DELETE', '/public-connection'), 204)
    fits('getPublicConnection', await admin('GET', '/public-connection'), 404)
    const both = {
      name: 'Both',
      oidc: { issuer, clientId: 'c', clientSecret: 's', tokenEndpointAuthMethod: 'client_secret_post' },
      scim: {},
    }
    const team = fits('createTeam', await admin('POST', `${path}/teams`, { name: 'Sales' }), 201).id
    fits('createTeam', await admin('POST', `${path}/teams`, { name: 'Sales' }), 409)
    fits('listTeams', await admin('GET', `${path}/teams`), 200)
    fits('getTeam', await admin('GET', `${path}/teams/${team}`), 200)
    fits('changeTeam', await admin('PATCH', `${path}/teams/${team}`, { name: 'EMEA' }), 200)
    const wish = { name: 'Launch', ownerId: id, visibility: 'organization' }
    const launch = fits('createWorkspace', await admin('POST', `${path}/workspaces`, wish), 201).id
    fits('listWorkspaces', await admin('GET', `${path}/workspaces?default=false&limit=1`), 200)
    fits('getWorkspace', await admin('GET', `${path}/workspaces/${launch}`), 200)
    fits('changeWorkspace', await admin('PATCH', `${path}/workspaces/${launch}`, { teamId: team }), 200)
    for (const [tag, place] of [
      ['Team', `teams/${team}`],
      ['Workspace', `workspaces/${launch}`],
    ]) {
      const members = `${path}/${place}/members`
      fits(`list${tag}Members`, await admin('GET', members), 200)
      fits(`put${tag}Member`, await admin('PUT', `${members}/x`, { role: 'member' }), 404)
      fits(`delete${tag}Member`, await admin('DELETE', `${members}/x`), 404)
    }
    fits('deleteTeam', await admin('DELETE', `${path}/teams/${team}`), 409)
    fits('archiveWorkspace', await admin('DELETE', `${path}/workspaces/${launch}`), 204)
    fits('createConnection', await admin('POST', `${path}/connections`, both), 201)
    fits('listConnections', await admin('GET', `${path}/connections`), 200)
    fits('getConnection', await admin('GET', connection.path), 200)
    fits('changeConnection', await admin('PATCH', connection.path, { name: 'Changed' }), 200)
    fits('approveConnection', await admin('POST', `${connection.path}/approve`), 409)
    fits('changeConnection', await admin('PATCH', connection.path, { oidc: { issuer: null } }), 400)
    const preview = (body: object) => admin('POST', `${connection.path}/claims-preview`, body)
    const claims = { sub: 'new', email: 'new@acme.example', email_verified: true, groups: ['a'] }
    fits('previewClaims', await preview({ claims }), 200)
    fits('previewClaims', await preview({ claims: { sub: 'a' } }), 200)
    fits('previewClaims', await preview({ claims: { sub: 'z', preferred_username: 'ada' } }), 200)
    fits('previewClaims', await preview({}), 400)
    const { id: testId, url } = fits('testConnection', await admin('POST', `${connection.path}/tests`), 201)
    t.match(url, `${PUBLIC_URL}/oidc/${connection.id}/test?token=`)
    fits('getConnectionTest', await admin('GET', `${connection.path}/tests/${testId}`), 200)
    fits('getConnectionTest', await admin('GET', `${connection.path}/tests/x`), 404)
    const tried = await usher.call({ method: 'GET', url: String(url).replace(PUBLIC_URL, '') })
    fits('askToTest', tried, 200)
    fits('askToTest', await usher.call({ method: 'GET', url: `/oidc/${connection.id}/test` }), 400)
    const form = { 'content-type': 'application/x-www-form-urlencoded', origin: PUBLIC_URL }
    const press = (body: string) =>
      usher.call({ method: 'POST', url: `/oidc/${connection.id}/test`, headers: form, body })
    fits('beginTest', await press('token=x'), 400)
    fits('beginTest', await press(new URL(String(url)).search.slice(1)), 200)
    fits('getConnectionTest', await admin('GET', `${connection.path}/tests/${testId}`), 200)
    const credentials = `${connection.path}/scim-credentials`
    const made = fits(
      'createScimCredential',
      await admin('POST', credentials, { expiresAt: '2999-01-01T00:00:00Z' }),
      201,
    )
    const rotated = await admin('POST', `${credentials}/${made.id}/rotate`)
    fits('rotateScimCredential', rotated, 201)
    fits('rotateScimCredential', await admin('POST', `${credentials}/x/rotate`), 404)
    fits('selfTestConnection', await admin('POST', `${connection.path}/scim-self-test`), 200)
    fits('revokeScimCredential', await admin('DELETE', `${credentials}/${rotated.body.id}`), 204)
    fits('listScimCredentials', await admin('GET', credentials), 200)
    fits('setRequestLimit', await admin('PATCH', path, { requestsPerSecond: 25 }), 200)
    fits('getOrganization', await admin('GET', path), 200)
    fits('setRequestLimit', await admin('PATCH', path, { requestsPerSecond: 24 }), 400)
    fits('setRequestLimit', await admin('PATCH', path, { requestsPerSecond: null }), 200)
    for (const [kind, noun] of [
      ['roles', 'Role'],
      ['entitlements', 'Entitlement'],
    ]) {
      fits(`put${noun}`, await admin('PUT', `${path}/${kind}/admin`, { display: 'Admin' }), 201)
      fits(`put${noun}`, await admin('PUT', `${path}/${kind}/admin`, { type: 'x' }), 200)
      fits(`list${noun}s`, await admin('GET', `${path}/${kind}`), 200)
      for (const [shape, at] of [
        ['Scim', ''],
        ['Okta', 'Okta'],
      ]) {
        const search = { schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'] }
        fits(`list${shape}${noun}s`, await scim('GET', `/${at}${noun}s`), 200)
        fits(`search${shape}${noun}s`, await scim('POST', `/${at}${noun}s/.search`, search), 200)
        fits(`get${shape}${noun}`, await scim('GET', `/${at}${noun}s/admin`), 200)
        fits(`get${shape}${noun}`, await scim('GET', `/${at}${noun}s/x`), 404)
      }
      fits(`delete${noun}`, await admin('DELETE', `${path}/${kind}/admin`), 204)
    }
    const urn = 'urn:acme:scim:schemas:extension:payroll:1.0:User'
    const schema = { resourceType: 'User', schema: { id: urn, attributes: [{ name: 'badge' }] } }
    fits('putScimSchema', await admin('PUT', `${path}/schemas/${urn}`, schema), 201)
    fits('putScimSchema', await admin('PUT', `${path}/schemas/${urn}`, schema), 200)
    fits('putScimSchema', await admin('PUT', `${path}/schemas/${urn}`, { ...schema, schema: {} }), 400)
    fits('getScimSchema', await admin('GET', `${path}/schemas/${urn}`), 200)
    fits('listScimSchemas', await admin('GET', `${path}/schemas`), 200)
    fits('deleteScimSchema', await admin('DELETE', `${path}/schemas/${urn}`), 204)
    const logo = (body: string) => {
      const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'image/webp' }
      return usher.call({ method: 'PUT', url: `/admin/v1${path}/logo`, headers, body })
    }
    fits('putLogo', await logo('RIFF....WEBP'), 200)
    fits('putLogo', await logo('<svg>'), 400)
    fits('getLogo', await usher.call({ method: 'GET', url: `/assets/logos/${organization.id}` }), 200)
    fits('getLogo', await usher.call({ method: 'GET', url: '/assets/logos/x' }), 404)
    const short = await usher.makeConnection(organization)
    fits('deleteConnection', await admin('DELETE', short.path), 204)
    fits('deleteConnection', await admin('DELETE', short.path), 404)
    fits('deleteLogo', await admin('DELETE', `${path}/logo`), 204)
    fits('deleteLogo', await admin('DELETE', `${path}/logo`), 404)
    fits('claimDomain', await admin('POST', `${path}/domains`, { domain: 'acme.invalid' }), 201)
    fits('claimDomain', await admin('POST', `${path}/domains`, { domain: 'gmail.com' }), 400)
    records.push(`usher-verification=${(await usher.rows('select challenge from domains'))[0]?.challenge}`)
    fits('verifyDomain', await admin('POST', `${path}/domains/ACME.invalid/verify`), 200)
    fits('listDomains', await admin('GET', `${path}/domains`), 200)
    fits('deleteDomain', await admin('DELETE', `${path}/domains/acme.invalid`), 204)
    fits('verifyDomain', await admin('POST', `${path}/domains/acme.invalid/verify`), 404)
    fits('getPolicy', await admin('GET', `${path}/policy`), 200)
    const standing = `${path}/users/${id}`
    fits('suspendUser', await admin('POST', `${standing}/suspend`), 200)
    fits('reactivateUser', await admin('POST', `${standing}/reactivate`), 200)
    fits('restoreUser', await admin('POST', `${standing}/restore`), 200)
    fits('eraseUser', await admin('POST', `${standing}/erase`), 409)
    fits('getHold', await admin('GET', `${standing}/hold`), 404)
    fits('putHold', await admin('PUT', `${standing}/hold`, { reason: 'Case 17' }), 200)
    fits('getHold', await admin('GET', `${standing}/hold`), 200)
    fits('deleteHold', await admin('DELETE', `${standing}/hold`), 204)
    const said = `${standing}/attributes/nickName`
    fits('putUserAttribute', await admin('PUT', said, { value: 'Countess' }), 200)
    fits('putUserAttribute', await admin('PUT', said, { value: 7 }), 400)
    fits('putUserAttribute', await admin('PUT', `${standing}/attributes/displayName`, { value: 'x' }), 409)
    fits('putUserAttribute', await admin('PUT', `${standing}/attributes/userName`, { value: 'x' }), 404)
    fits('listUserAttributes', await admin('GET', `${standing}/attributes`), 200)
    fits('deleteUserAttribute', await admin('DELETE', said), 204)
    fits('deleteUserAttribute', await admin('DELETE', said), 404)
    fits('getBrake', await admin('GET', `${path}/brake`), 200)
    fits('releaseBrake', await admin('POST', `${path}/brake/release`), 200)
    fits('listTransfers', await admin('GET', `${path}/transfers`), 200)
    fits('settleTransfer', await admin('POST', `${path}/transfers/${id}`, { userId: id }), 404)
    fits('getRollout', await admin('GET', `${path}/policy/rollout`), 200)
    fits('putPolicy', await admin('PUT', `${path}/policy`, { graceDays: 7 }), 200)
    fits('patchPolicy', await admin('PATCH', `${path}/policy`, { graceDays: null }), 200)
    fits('patchPolicy', await admin('PATCH', `${path}/policy`, { graceDays: 'x' }), 400)
    fits('listPolicies', await admin('GET', `${path}/policies`), 200)
    fits('simulatePolicy', await admin('POST', `${path}/policies/simulate`, {}), 200)
    fits('simulatePolicy', await admin('POST', `${path}/policies/simulate`, { push: {} }), 400)
    fits('getPolicyVersion', await admin('GET', `${path}/policies/2`), 200)
    fits('getPolicyVersion', await admin('GET', `${path}/policies/9`), 404)
    for (const name of [
      'readiness',
      'time-to-ready',
      'held',
      'deprovisioning',
      'workspaces',
      'freshness',
      'role-drift',
    ])
      fits('getReport', await admin('GET', `${path}/reports/${name}`), 200)
    fits('getReport', await admin('GET', `${path}/reports/x`), 400)
    fits('getChecklist', await admin('GET', `${path}/checklist`), 200)
    fits('putChecklist', await admin('PUT', `${path}/checklist`, {}), 400)
    fits('putChecklist', await admin('PUT', `${path}/checklist`, { enabled: true }), 200)
    await scim('POST', '/Users', person('ada', { externalId: 'another' }))
    const [conflict] = fits('listConflicts', await admin('GET', `${path}/conflicts?status=open`), 200).items
    const asked = `${path}/conflicts/${conflict?.id}`
    fits('getConflict', await admin('GET', asked), 200)
    fits('getConflict', await admin('GET', `${path}/conflicts/x`), 404)
    fits('answerConflict', await admin('POST', `${asked}/answer`, { answer: 'keep-apart' }), 400)
    fits('answerConflict', await admin('POST', `${asked}/answer`, { answer: 'link' }), 200)
    const otherwise = { answer: 'keep-apart', userName: 'x' }
    fits('answerConflict', await admin('POST', `${asked}/answer`, otherwise), 409)
    fits('listUsers', await admin('GET', `${path}/users`), 200)
    fits('listUsers', await admin('GET', `${path}/users?filter=x`), 400)
    fits('getUser', await admin('GET', `${path}/users/${id}`), 200)
    fits('getUserTimeline', await admin('GET', `${path}/users/${id}/timeline?limit=2`), 200)
    fits('explainUser', await admin('GET', `${path}/users/${id}/explain`), 200)
    await scim('POST', '/Users', person('noted'))
    const list = `${path}/requests`
    let noted = fits('listRequests', await admin('GET', `${list}?status=2xx&limit=1`), 200)
    while (noted.items.length === 0) noted = (await admin('GET', list)).body
    fits('getRequest', await admin('GET', `${list}/${noted.items[0]?.id}`), 200)
    fits('getRequest', await admin('GET', `${list}/x`), 404)
    fits('listRequests', await admin('GET', `${list}?status=7`), 400)
    fits('getUserTimeline', await admin('GET', `${path}/users/${id}/timeline`), 200)
    fits('exportUser', await admin('GET', `${path}/users/${id}/export`), 200)
    fits('exportUser', await admin('GET', `${(await usher.makeOrganization()).path}/users/${id}/export`), 404)
    fits('listUserSessions', await admin('GET', `${path}/users/${id}/sessions`), 200)
    fits('endUserSession', await admin('DELETE', `${path}/users/${id}/sessions/x`), 404)
    fits('endUserSessions', await admin('DELETE', `${path}/users/${id}/sessions`), 204)
  })

  await t.test('of the token endpoint', async () => {
    const clients = `${connection.path}/scim-clients`
    const keys = { assertion: { jwksUrl: 'https://keys.example', issuer: 'i', subject: 's', audience: 'a' } }
    const { id } = fits('createScimClient', await admin('POST', clients, keys), 201)
    fits('createScimClient', await admin('POST', clients, { assertion: { jwks: { keys: [] } } }), 400)
    const made = fits('createScimClient', await admin('POST', clients), 201)
    fits('listScimClients', await admin('GET', clients), 200)
    const ask = (form: Record<string, unknown>) =>
      usher.call({
        method: 'POST',
        url: '/oauth2/token',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: String(new URLSearchParams(form as Record<string, string>)), // all of them text
      })
    const { clientId: client_id, clientSecret: client_secret } = made
    const asked = { grant_type: 'client_credentials', client_id, client_secret }
    fits('requestToken', await ask(asked), 200)
    fits('requestToken', await ask({ ...asked, client_secret: 'x' }), 401)
    fits('requestToken', await ask({}), 400)
    fits('listScimClients', await admin('GET', clients), 200)
    fits('revokeScimClient', await admin('DELETE', `${clients}/${id}`), 204)
    fits('revokeScimClient', await admin('DELETE', `${clients}/${id}`), 404)
    const url = '/.well-known/oauth-authorization-server'
    fits('getAuthorizationServerMetadata', await usher.call({ method: 'GET', url }), 200)
  })

  await t.test('of people and of the product', async () => {
    const { cookie } = await usher.signIn(connection, { sub: 'a' })
    const get = (url: string, more: Partial<Asked> = {}) =>
      usher.call({ method: 'GET', url, headers: { cookie }, ...more })
    const nobody = { headers: {} }
    fits('getSession', await get('/session'), 200)
    fits('getSession', await get('/session', nobody), 401)
    fits('verifySession', await get('/session/verify'), 200)
    fits('verifySession', await get('/session/verify', nobody), 401)
    fits('verifySessionAt', await get('/session/verify/a/path'), 200)
    fits('verifySessionAt', await get('/session/verify/a/path', nobody), 401)
    fits('getSessionToken', await get('/session/token'), 200)
    fits('getSessionToken', await get('/session/token', nobody), 401)
    fits('getKeySet', await get('/.well-known/jwks.json'), 200)
    const { items } = fits('listOwnSessions', await get('/v1/me/sessions'), 200)
    fits('listOwnSessions', await get('/v1/me/sessions', nobody), 401)
    const own = `/v1/me/sessions/${items.find((one) => !one.current)?.id ?? 'x'}`
    fits('endOwnSession', await get(own, { method: 'DELETE' }), 403)
    const workspaces = fits('listOwnWorkspaces', await get('/v1/me/workspaces'), 200).items
    const put = (workspaceId: unknown) =>
      get('/session/workspace', {
        method: 'PUT',
        headers: { cookie, origin: PUBLIC_URL, 'content-type': 'application/json' },
        body: { workspaceId },
      })
    fits('listJoinableWorkspaces', await get('/v1/me/workspaces/joinable'), 200)
    const by = { headers: { cookie, origin: PUBLIC_URL } }
    const typed = { 'content-type': 'application/json' }
    const named = { method: 'POST', headers: { ...by.headers, ...typed }, body: { name: 'x' } } as const
    fits('createOwnWorkspace', await get('/v1/me/workspaces', named), 403)
    fits('joinWorkspace', await get('/v1/me/workspaces/x/join', { method: 'POST', ...by }), 404)
    fits('leaveWorkspace', await get('/v1/me/workspaces/x/leave', { method: 'POST', ...by }), 404)
    fits('switchWorkspace', await put(workspaces[0]?.id), 200)
    fits('switchWorkspace', await put('x'), 404)
    fits('switchWorkspace', await put(1), 400)
    const change = (method: Method, url: string) =>
      get(`/v1/me/checklist${url}`, { method, headers: { cookie, origin: PUBLIC_URL } })
    fits('getOwnChecklist', await get('/v1/me/checklist'), 200)
    fits('getOwnChecklist', await get('/v1/me/checklist', nobody), 401)
    fits('finishOwnStep', await change('PUT', '/steps/look-around'), 200)
    fits('finishOwnStep', await change('PUT', '/steps/sign-in'), 409)
    fits('dismissOwnChecklist', await change('POST', '/dismiss'), 200)
    fits('resumeOwnChecklist', await change('POST', '/resume'), 200)
    const press = (site: string) =>
      get('/checklist', {
        method: 'POST',
        headers: { cookie, 'sec-fetch-site': site, 'content-type': 'application/x-www-form-urlencoded' },
        body: 'do=resume',
      })
    fits('changeChecklistByForm', await press('same-origin'), 303)
    fits('changeChecklistByForm', await press('cross-site'), 403)
    fits('getPlace', await get('/'), 200)
    fits('getPlace', await get('/', nobody), 200)
    fits('getStylesheet', await get('/assets/usher.css'), 200)
    fits('askToLogOut', await get('/logout'), 200)
    fits('askToLogOut', await get('/logout', nobody), 303)
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const leave = (site: string) =>
      get('/logout', { method: 'POST', headers: { ...form, 'sec-fetch-site': site }, body: '' })
    fits('logout', await leave('cross-site'), 403)
    fits('logout', await leave('same-origin'), 303)
    fits('loggedOut', await get('/logout/done'), 200)
    fits('askForAddress', await get('/login?login_hint=ada@acme.example'), 200)
    const find = (address: string) =>
      get('/login', { method: 'POST', headers: form, body: `login_hint=${address}` })
    fits('findConnection', await find('ada@nobody.example'), 404)
    fits('findConnection', await find('ada'), 400)
    fits('login', await get('/login/nobody'), 404)
    fits('login', await get(`/login/${organization.slug}`), 200)
    fits('login', await get(`/login/${organization.slug}?return_to=//evil.example`), 400)
    fits('startSignIn', await get('/oidc/x/start'), 404)
    fits('finishSignIn', await get(`/oidc/${connection.id}/callback`), 400)
    fits('initiateSignIn', await get(`/oidc/${connection.id}/initiate?iss=x`), 400)
    const asked = get(`/oidc/${connection.id}/initiate`, { method: 'POST', headers: form, body: 'iss=x' })
    fits('initiateSignInByForm', await asked, 400)
    const end = (body: string) =>
      get(`/oidc/${connection.id}/backchannel-logout`, { method: 'POST', headers: form, body })
    const long = 'x'.repeat(65 * 1024)
    fits('backchannelLogout', await end(''), 400)
    const set = { 'content-type': 'application/secevent+jwt' }
    const push = { method: 'POST', headers: set, body: 'x' } as const
    fits('receiveSignals', await get(`/oidc/${connection.id}/signals`, push), 400)
    const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: {} } as const
    fits('backchannelLogout', await get(`/oidc/${connection.id}/backchannel-logout`, json), 400)
    fits('receiveSignals', await get(`/oidc/${connection.id}/signals`, json), 415)
    fits('receiveSignals', await get(`/oidc/${connection.id}/signals`, { ...push, body: long }), 413)
    fits('backchannelLogout', await end(long), 400)
    const frame = `/oidc/${connection.id}/frontchannel-logout`
    fits('frontchannelLogout', await get(`${frame}?${new URLSearchParams({ iss: issuer, sid: 'x' })}`), 200)
    fits('frontchannelLogout', await get(frame), 400)
    for (const [operationId, url] of Object.entries({
      isAlive: '/livez',
      isReady: '/readyz',
      hasStarted: '/startupz',
      getMetrics: '/metrics',
    }))
      fits(operationId, await get(url), 200)
  })

  t.same(
    contract.operations.map(({ operationId }) => operationId).filter((id) => !seen.has(id)),
    [],
    'no operation goes unasked',
  )
})

t.test('the check of answers knows', async (t) => {
  const json = { 'content-type': 'application/json; charset=utf-8' }
  const answer = (body: object, more: Partial<Answer> = {}) =>
    ({ status: 200, headers: json, text: JSON.stringify(body), body, ...more }) as Answer // only what is checked
  const organization = { id: '0190aa3c-5d1c-7a39-9d3f-2f6a1c0b7e11', slug: 'acme', name: 'Acme' }
  const problem = { title: 'Not Found', status: 404, code: 'not_found', detail: 'x' }
  const cases: [string, Answer, RegExp?][] = [
    ['getOrganization', answer(organization)],
    ['getOrganization', answer({ ...organization, slug: 'A' }), /slug must match pattern/],
    ['getOrganization', answer({ ...organization, secret: 1 }), /unevaluated properties/],
    ['listOrganizations', answer({ items: [{ ...organization, secret: 1 }] }), /unevaluated properties/],
    ['getOrganization', answer(problem, { status: 404 }), /type application\/json is not described/],
    ['getOrganization', answer({}, { headers: { 'content-type': 'text/plain' } }), /is not described/],
    ['endUserSessions', answer({}, { status: 204 }), /there is a body/],
    ['logout', answer({}, { status: 303, text: '' }), /the header Location is missing/],
    ['getStylesheet', answer({}, { status: 500 }), /500 is not described/],
    ['nothing', answer({}), /no operation/],
  ]
  for (const [operationId, given, why] of cases) {
    const found = check(operationId, given)
    if (why) t.match(found, [why])
    else t.same(found, [])
  }
})
