import type { FastifyInstance } from 'fastify'
import { Problem } from '../errors.ts'
import { callDone, setAside } from '../onboarding/checklist.ts'
import { ownerOf } from './checklist.ts'
import { checkSameOrigin, neededSession, noStore, type SessionHost, scopeOf } from './current-session.ts'

const MOST_BYTES = 4096

/** The buttons of the checklist at `/`, which work without any script and lead back there. */
export async function checklistForms(app: FastifyInstance, host: SessionHost): Promise<void> {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: MOST_BYTES },
    async (_request: unknown, text: string) => new URLSearchParams(text),
  )
  app.addHook('onRequest', async (request, reply) => {
    noStore(reply)
    checkSameOrigin(host, request)
  })
  app.post('/checklist', async (request, reply) => {
    const row = await neededSession(host, request)
    const [scope, owner] = [scopeOf(host, request, row), ownerOf(request, row)]
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
    const [what, step] = [form.get('do'), form.get('step')]
    if (what === 'finish' && step !== null) await callDone(scope, owner, step)
    else if (what === 'dismiss' || what === 'resume') await setAside(scope, owner, what === 'dismiss')
    else throw new Problem('invalid_request', 'The form does not say what to do.')
    return reply.redirect('/', 303)
  })
}
