import t from 'tap'
import { holdAttributes } from '../scim/user-attributes.ts'
import { holdOnEachLayout } from './layouts.ts'

holdOnEachLayout(t, {
  'every attribute of a person comes, is told and is found': async (t, usher) => {
    for (const profile of ['lenient', 'strict']) {
      const { scim } = await usher.makePusher({ scim: { profile } })
      await holdAttributes(t, scim)
    }
  },
})
