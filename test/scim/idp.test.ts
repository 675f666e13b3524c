import { readdirSync } from 'node:fs'
import t from 'tap'
import { asking, memoryHost } from './memory-host.ts'
import { idpFolder, play, readExchanges } from './play.ts'

for (const idp of readdirSync(idpFolder)) {
  t.test(`${idp} is answered as it expects`, async (t) => {
    const ask = asking(await memoryHost(t), 'lenient')
    const exchanges = readExchanges(idp)
    t.ok(exchanges.length > 0)
    for (const { file, wrong } of await play(exchanges, ({ path, ...rest }) => ask({ url: path, ...rest }))) {
      t.same(wrong, [], file)
    }
  })
}
