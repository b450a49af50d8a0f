declare module "*.module.css" {
  const classes: { readonly [name: string]: string };
  // biome-ignore lint/style/noDefaultExport: bundlers export the classes this way
  export default classes;
}
