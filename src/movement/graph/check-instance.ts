import { type AnyFunction, isNativeText, nameOf } from '../function-source.ts'
import { privateNamesOf } from '../live/inspector.ts'
import { privateRefusal, processInstanceRefusal } from './capture-refusals.ts'
import { builtinPlace, intrinsicPath } from './intrinsics.ts'

/**
 * Looks whether an instance of a class can be made again from its properties.
 * @throws {CaptureError} if it belongs to this process, or has private fields
 */
export function checkInstance(object: object, constructor: AnyFunction, path: string): void {
  if (isNativeText(constructor) || intrinsicPath(constructor) !== undefined) {
    throw processInstanceRefusal(object, path)
  }
  if (builtinPlace(constructor) !== undefined) throw processInstanceRefusal(object, path)
  const [name] = privateNamesOf(object)
  if (name !== undefined) throw privateRefusal(name, nameOf(constructor), path)
}
