import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { deleteLogo, putLogo, type Scope } from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { logoPath, logoTypeOf } from '../translate/logo.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'

export const MOST_LOGO_BYTES = 64 * 1024

export function logoHandlers(admin: Admin): AdminHandlers {
  return {
    async putLogo(request: FastifyRequest) {
      const scope = admin.scopeOf(request)
      const { body: image } = request
      const type = Buffer.isBuffer(image) ? logoTypeOf(image) : null
      if (!Buffer.isBuffer(image) || type === null)
        throw new Problem('invalid_request', 'The body is no PNG, JPEG or WebP image.')
      const version = createHash('sha256').update(image).digest('base64url').slice(0, 16)
      await putLogo(scope, { type, image, version }, [changed(scope)])
      return { url: admin.publicUrl + logoPath(scope.organizationId, version) }
    },
    async deleteLogo(request: FastifyRequest, reply: FastifyReply) {
      const scope = admin.scopeOf(request)
      if (!(await deleteLogo(scope, [changed(scope)]))) throw notFound('logo')
      return reply.code(204).send()
    },
  }
}

function changed({ organizationId: id }: Scope) {
  return eventOf({ type: 'organization.changed', subject: { type: 'organization', id }, changed: ['logo'] })
}
