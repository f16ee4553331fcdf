import { expect, test } from 'vitest'
import type { Taint } from '../api/core-v1/types.ts'
import { tolerates, untoleratedTaint } from './taints.ts'

const taint: Taint = { key: 'dedicated', value: 'db', effect: 'NoSchedule' }

test('a toleration covers taints of its key, value and effect', () => {
  expect(tolerates({ key: 'dedicated', value: 'db' }, taint)).toBe(true)
  expect(tolerates({ key: 'dedicated', value: 'web' }, taint)).toBe(false)
  expect(tolerates({ key: 'dedicated', operator: 'Exists' }, taint)).toBe(true)
  expect(tolerates({ key: 'dedicated', operator: 'Exists', effect: 'NoExecute' }, taint)).toBe(false)
  expect(tolerates({ key: 'other', operator: 'Exists' }, taint)).toBe(false)
})

test('a toleration without a key covers everything, but only with Exists', () => {
  expect(tolerates({ operator: 'Exists' }, taint)).toBe(true)
  expect(tolerates({ value: 'db' }, taint)).toBe(false)
})

test('Gt and Lt compare whole numbers', () => {
  const graded: Taint = { key: 'grade', value: '10', effect: 'NoSchedule' }
  expect(tolerates({ key: 'grade', operator: 'Gt', value: '9' }, graded)).toBe(true)
  expect(tolerates({ key: 'grade', operator: 'Lt', value: '9' }, graded)).toBe(false)
  expect(tolerates({ key: 'grade', operator: 'Gt', value: 'x' }, graded)).toBe(false)
})

test('the first taint that repels is found; PreferNoSchedule does not repel', () => {
  const soft: Taint = { key: 'soft', effect: 'PreferNoSchedule' }
  expect(untoleratedTaint([soft, taint], undefined)).toBe(taint)
  expect(untoleratedTaint([soft], undefined)).toBeUndefined()
  expect(untoleratedTaint([taint], [{ operator: 'Exists' }])).toBeUndefined()
})
