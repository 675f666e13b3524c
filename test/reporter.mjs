import { Transform } from 'node:stream'

/** The TAP as it comes, then one closing line. tap exits 0 where nothing ran; this does not. */
export default class Summary extends Transform {
  #tail = ''
  #totals = ''

  _transform(chunk, _encoding, done) {
    const lines = (this.#tail + chunk).split('\n')
    this.#tail = lines.pop()
    this.#totals = lines.findLast((line) => /^# \{ total: \d/.test(line)) ?? this.#totals
    done(null, chunk)
  }

  _flush(done) {
    const count = (name) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(this.#totals)?.[1] ?? 0)
    if (count('pass') + count('fail') === 0) process.exitCode = 1
    const rest = ['skip', 'todo'].filter(count).map((name) => `, ${count(name)} ${name}`)
    done(null, `\n${count('pass')} passed, ${count('fail')} failed${rest.join('')}\n`)
  }
}
