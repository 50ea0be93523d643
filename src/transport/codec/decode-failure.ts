import { DecodeError } from '../../errors/data-errors.ts'

const failures = {
  encoding: 'its flags name an encoding that is not known here',
  'too-big': 'it is bigger than the limits allow',
  empty: 'it has no bytes',
  truncated: 'it ends in the middle of a value, or declares more than it has',
  'trailing-bytes': 'bytes follow after the value',
  'too-deep': 'it is nested too deep',
  'too-many-items': 'it holds too many values',
  'unused-byte': 'it holds the byte 0xc1, which MessagePack never uses',
  extension: 'it holds a MessagePack extension',
  'wide-integer': 'it holds a 64-bit integer',
  'binary-here': 'it holds binary where there is none in this encoding',
  'map-here': 'it holds a map where there is none in this encoding',
  'key-not-text': 'it holds a map with a key that is not text',
  'proto-key': 'it holds the key __proto__',
  batch: 'it has not as many items as it announces',
  table: 'it is not a node table',
  kind: 'a row of its node table is of an unknown kind',
  row: 'a row of its node table has the wrong shape',
  slot: 'a slot of its node table is neither a value nor a reference',
  key: 'a key in its node table is not text',
  reference: 'a slot of its node table refers to a row that does not exist',
  'unused-row': 'a row of its node table is not part of the value',
  bigint: 'it holds a bigint that is malformed or too long',
  'regular-expression': 'it holds a regular expression that is malformed or too long',
  url: 'it holds a URL that is malformed or too long',
  'binary-length': 'the length of a piece of binary does not fit its type',
  'instance-cycle': 'an instance of a class in its node table is part of the data that it is made of',
  live: 'it refers to a value that stays where it is, and that there is not',
  thenable: 'an object in it has a function under `then`, so that whoever awaits it would call that',
  attachment: 'an attachment is missing, is used twice or is not used',
} as const

/** The stable words that `DecodeError.reason` may be for a body. */
export type DecodeReason = keyof typeof failures

/** Refuses a body. The message holds nothing of what was received. */
export function failDecode(reason: DecodeReason, cause?: unknown): never {
  throw new DecodeError(`A message that arrived is refused: ${failures[reason]}. The sender is faulty.`, {
    reason,
    cause,
  })
}
