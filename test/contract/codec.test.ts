import { messageCodec } from '../../src/transport/codec/message-codec.ts'
import { codecContract } from './codec.contract.ts'

codecContract('message', messageCodec)
