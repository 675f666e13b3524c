// What the attributes of a person say that is looked up by an index, of a document that is a parameter or a column.

export const emailKeysOf = (document: string): string =>
  `lower(jsonb_path_query_array(${document}, '$.emails[*].value')::text)::jsonb`

export const displayNameOf = (document: string): string => `${document} ->> 'displayName'`

export const managerOf = (document: string): string =>
  `${document} #>> '{urn:ietf:params:scim:schemas:extension:enterprise:2.0:User,manager,value}'`
