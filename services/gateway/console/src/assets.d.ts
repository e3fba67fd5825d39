/** Files that are shipped as they are, by their address. */
declare module '*?url' {
  const address: string
  export default address
}
