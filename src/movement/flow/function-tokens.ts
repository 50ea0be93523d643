import { liveKind, type LiveData, type LiveToken } from '../../transport/live-values.ts'

/** Before the name of a function that is not let go with a call. */
const keptMark = '*'

/** The token of something that is not let go with a call. */
export const keptToken = (token: LiveToken): LiveToken =>
  token.kind === liveKind.function ? { ...token, data: `${keptMark}${String(token.data)}` } : token

/** Whether code that has outlived its call may wait at what this stands for. */
export const isKeptFunction = ({ kind, data }: LiveToken): boolean =>
  kind === liveKind.function && isKeptData(data)

/** Whether the data of a function's token say that it is not let go with a call. */
export const isKeptData = (data: LiveData): boolean => typeof data === 'string' && data.startsWith(keptMark)

/** The name of a function, from the data of its token. */
export const functionName = (data: LiveData): string => {
  const text = String(data)
  return text.startsWith(keptMark) ? text.slice(keptMark.length) : text
}
