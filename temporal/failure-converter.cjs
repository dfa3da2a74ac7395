// CommonJS because the SDK loads it by path, into the workflow sandbox as well as into Node.
const { DefaultFailureConverter } = require('@temporalio/common')

/** Failure messages and stack traces are encrypted like every other payload. */
exports.failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true })
