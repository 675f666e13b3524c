const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Whether a text may be one of our ids: a UUID in the form we give them out. What is not names nothing. */
export const isUuid = (text: string): boolean => uuid.test(text)
