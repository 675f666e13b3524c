import { ConfigError, readConfig } from './config.ts'
import { serve } from './start.ts'

try {
  await serve(readConfig())
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : (error as Error).stack}\n`) // nothing throws else
  process.exitCode = 1
}
