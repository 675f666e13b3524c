import { enterpriseUserSchema, groupSchema, type Json, userSchema } from '../../scim/index.ts'

type Body = { [name: string]: Json }

const base = 'https://example.com/v2'
const id = '2819c223-7f76-453a-919d-413861904646'

const meta = (resourceType: string, where: string) => ({
  resourceType,
  created: '2010-01-23T04:56:22Z',
  lastModified: '2011-05-13T04:42:34Z',
  version: 'W/"3694e05e9dff591"',
  location: `${base}/${where}`,
})

const name = {
  formatted: 'Ms. Barbara J Jensen, III',
  familyName: 'Jensen',
  givenName: 'Barbara',
  middleName: 'Jane',
  honorificPrefix: 'Ms.',
  honorificSuffix: 'III',
}

const address = {
  streetAddress: '100 Universal City Plaza',
  locality: 'Hollywood',
  region: 'CA',
  postalCode: '91608',
  country: 'USA',
  formatted: '100 Universal City Plaza\nHollywood, CA 91608 USA',
}

/** RFC 7643 section 8.2. */
export const fullUser: Body = {
  schemas: [userSchema.id],
  id,
  externalId: '701984',
  userName: 'bjensen@example.com',
  name,
  displayName: 'Babs Jensen',
  nickName: 'Babs',
  profileUrl: 'https://login.example.com/bjensen',
  emails: [
    { value: 'bjensen@example.com', type: 'work', primary: true },
    { value: 'babs@jensen.org', type: 'home' },
  ],
  addresses: [
    { type: 'work', ...address, primary: true },
    { type: 'home', ...address, streetAddress: '456 Hollywood Blvd' },
  ],
  phoneNumbers: [
    { value: '555-555-5555', type: 'work' },
    { value: '555-555-4444', type: 'mobile' },
  ],
  ims: [{ value: 'someaimhandle', type: 'aim' }],
  photos: [
    { value: 'https://photos.example.com/profilephoto/72930000000Ccne/F', type: 'photo' },
    { value: 'https://photos.example.com/profilephoto/72930000000Ccne/T', type: 'thumbnail' },
  ],
  userType: 'Employee',
  title: 'Tour Guide',
  preferredLanguage: 'en-US',
  locale: 'en-US',
  timezone: 'America/Los_Angeles',
  active: true,
  password: 't1meMa$heen',
  groups: [
    {
      value: 'e9e30dba-f08f-4109-8486-d5c6a331660a',
      $ref: `${base}/Groups/e9e30dba`,
      display: 'Tour Guides',
    },
  ],
  x509Certificates: [{ value: 'MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTjELMAkGA1UEBhMCVVMx' }],
  meta: meta('User', `Users/${id}`),
}

/** RFC 7643 section 8.3. */
export const enterpriseUser: Body = {
  ...fullUser,
  schemas: [userSchema.id, enterpriseUserSchema.id],
  [enterpriseUserSchema.id]: {
    employeeNumber: '701984',
    costCenter: '4130',
    organization: 'Universal Studios',
    division: 'Theme Park',
    department: 'Tour Operations',
    manager: { value: '26118915', $ref: '../Users/26118915', displayName: 'John Smith' },
  },
}

/** RFC 7643 section 8.4. */
export const group: Body = {
  schemas: [groupSchema.id],
  id: 'e9e30dba-f08f-4109-8486-d5c6a331660a',
  displayName: 'Tour Guides',
  members: [
    { value: id, $ref: `${base}/Users/${id}`, display: 'Babs Jensen' },
    { value: '902c246b', $ref: `${base}/Users/902c246b`, display: 'Mandy Pepperidge' },
  ],
  meta: meta('Group', 'Groups/e9e30dba'),
}

/** Users in bodies of POST and PUT: RFC 7643 section 8.1, RFC 7644 sections 3.3 and 3.5.1. */
export const users: readonly Body[] = [
  {
    schemas: [userSchema.id],
    id,
    userName: 'bjensen@example.com',
    meta: meta('User', `Users/${id}`),
  },
  {
    schemas: [userSchema.id],
    userName: 'bjensen',
    externalId: 'bjensen',
    name: { formatted: 'Ms. Barbara J Jensen III', familyName: 'Jensen', givenName: 'Barbara' },
  },
  {
    schemas: [userSchema.id],
    id,
    userName: 'bjensen',
    externalId: 'bjensen',
    name,
    roles: [],
    emails: [{ value: 'bjensen@example.com' }, { value: 'babs@jensen.org' }],
  },
  fullUser,
  enterpriseUser,
]

/** Operations of RFC 7644 section 3.5.2 on the full user, and on the group. */
export const userPatches: readonly Json[] = [
  { op: 'add', value: { emails: [{ value: 'babs@jensen.org', type: 'home' }], nickname: 'Babs' } },
  { op: 'remove', path: 'emails[type eq "work" and value ew "example.com"]' },
  {
    op: 'replace',
    path: 'addresses[type eq "work"]',
    value: { type: 'work', ...address, streetAddress: '911 Universal City Plaza', primary: true },
  },
  { op: 'replace', path: 'addresses[type eq "work"].streetAddress', value: '1010 Broadway Ave' },
  {
    op: 'replace',
    value: {
      emails: [
        { value: 'bjensen@example.com', type: 'work', primary: true },
        { value: 'babs@jensen.org', type: 'home' },
      ],
      nickname: 'Babs',
    },
  },
  { op: 'add', path: 'name.familyName', value: 'Jensen' },
  { op: 'remove', path: 'nickName' },
]

const babs = { display: 'Babs Jensen', $ref: `${base}/Users/${id}`, value: id }

export const groupPatches: readonly Json[] = [
  { op: 'add', path: 'members', value: [babs] },
  { op: 'remove', path: `members[value eq "${id}"]` },
  { op: 'remove', path: 'members' },
  { op: 'replace', path: 'members', value: [babs, { ...babs, value: '902c246b', display: 'James Smith' }] },
]

/** The filters of RFC 7644 figure 2 that do not name attributes of Usher's own making. */
export const filters: readonly string[] = [
  'userName eq "bjensen"',
  `name.familyName co "O'Malley"`,
  'userName sw "J"',
  'urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"',
  'title pr',
  'meta.lastModified gt "2011-05-13T04:42:34Z"',
  'meta.lastModified ge "2011-05-13T04:42:34Z"',
  'meta.lastModified lt "2011-05-13T04:42:34Z"',
  'meta.lastModified le "2011-05-13T04:42:34Z"',
  'title pr and userType eq "Employee"',
  'title pr or userType eq "Intern"',
  'schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"',
  'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")',
  'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")',
  'userType eq "Employee" and (emails.type eq "work")',
  'userType eq "Employee" and emails[type eq "work" and value co "@example.com"]',
  'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
]
