const { warn } = console

// oidc-provider warns of its memory and of Node 20 while it is loaded and made; neither matters here.
console.warn = (...said: unknown[]) => {
  if (!String(said[0]).includes('oidc-provider WARNING')) warn(...said)
}
