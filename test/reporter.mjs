import { Transform } from 'node:stream'

/** The TAP as it comes, then one closing line. tap exits 0 where nothing ran; this does not. */
export default class Summary extends Transform {
  #tail = ''
  #totals = ''

  _transform(chunk, _encoding, done) {
    const lines = (this.#tail + chunk).split('\n')
    this.#tail = lines.pop()
    this.#look(lines)
    done(null, chunk)
  }

  _flush(done) {
    this.#look([this.#tail])
    const count = (name) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(this.#totals)?.[1] ?? 0)
    if (count('pass') + count('fail') === 0) process.exitCode = 1
    const rest = ['skip', 'todo'].filter(count).map((name) => `${count(name)} ${name}\n`)
    done(null, `\n${rest.join('')}${count('pass')} passed, ${count('fail')} failed\n`)
  }

  #look(lines) {
    this.#totals = lines.findLast((line) => /^# \{ total: \d/.test(line)) ?? this.#totals
  }
}
