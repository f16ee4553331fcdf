import { expect, test } from 'vitest'
import { setOf } from '../fixtures.ts'
import type { Explanation } from './explain.ts'
import { ToldCauses } from './told-causes.ts'

const stuck = (cause: string, message = cause): Explanation => ({ status: 'False', reason: 'R', message, cause })

function listener() {
  const heard: string[] = []
  return { heard, told: new ToldCauses({ record: (_about, { message }) => heard.push(message) }) }
}

test('B6, #122709: one cause is told once, however often the set falls back into it', () => {
  const { heard, told } = listener()
  const set = setOf()
  for (const message of ['exits with code 1', 'exits with code 2', 'exits with code 1'])
    told.tell(set, stuck('crash', message))
  told.tell(set, { status: 'True', reason: 'Complete', message: 'fine' })
  told.tell(set, stuck('crash'))
  expect(heard).toEqual(['exits with code 1'])
})

test('another cause, and another set, are told', () => {
  const { heard, told } = listener()
  told.tell(setOf(), stuck('a'))
  told.tell(setOf(), stuck('b'))
  told.tell(setOf({}, { meta: { uid: 'other' } }), stuck('a'))
  expect(heard).toEqual(['a', 'b', 'a'])
})

test('what the condition said before a restart is not told again', () => {
  const { heard, told } = listener()
  const conditions = [{ type: 'Progressing', status: 'False', reason: 'R', message: 'a' }]
  told.tell(setOf({}, { status: { conditions } }), stuck('a'))
  expect(heard).toEqual([])
})
