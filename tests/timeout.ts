/** Set by jest.config.js: a project's own configuration cannot say how long a test may take. */
declare const testTimeoutSeconds: number;

jest.setTimeout(testTimeoutSeconds * 1000);

export {};
