/** A text as it may stand in logs and answers: without the credential that an approval link is. */
export const loggable = (text: string): string => text.replace(/\/approve\/[^\s'"?]+/gi, '/approve/(hidden)')
