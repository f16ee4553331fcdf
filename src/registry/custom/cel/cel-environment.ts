import { Environment } from '@marcbachmann/cel-js'
import { registerLists } from './list-library.ts'
import { registerNetwork } from './network-library.ts'
import { registerQuantities } from './quantity-library.ts'
import type { Register } from './register.ts'
import { registerTexts } from './text-library.ts'

/** What an expression may be at most: longer ones are refused when they are defined. */
const LIMITS = { maxAstNodes: 5000, maxDepth: 100 }

let made: Environment | undefined

/** The language with the libraries that Kubernetes adds to it ("CEL in Kubernetes"). Made when the first rule needs it. */
export function celEnvironment(): Environment {
  made ??= newEnvironment()
  return made
}

function newEnvironment(): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: true,
    enableOptionalTypes: true,
    homogeneousAggregateLiterals: false,
    limits: LIMITS,
  })
  const register: Register = (signature, handler) => {
    environment.registerFunction(signature, { handler, async: false } as never)
  }
  for (const add of [registerTexts, registerLists, registerNetwork, registerQuantities]) add(environment, register)
  return environment
}
