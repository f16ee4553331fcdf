/**
 * Replaces `$(NAME)` by the value of the variable; `$$(NAME)` is the text `$(NAME)`; unknown names stay as they are
 * ("Define Dependent Environment Variables").
 */
export const expanded = (text: string, variables: ReadonlyMap<string, string>): string =>
  text.replace(/\$\$|\$\(([^()]*)\)/g, (found, name: string | undefined) => {
    if (name === undefined) return '$'
    return variables.get(name) ?? found
  })
