import { Problem } from '../errors.ts'

export const missing = (noun: string): Problem => new Problem('not_found', `There is no such ${noun}.`)

export const conflicting = (sentence: string): Problem => new Problem('conflict', sentence)
