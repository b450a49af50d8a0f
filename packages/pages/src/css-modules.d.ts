declare module "*.module.css" {
  const classes: { readonly [name: string]: string };
  // biome-ignore lint/style/noDefaultExport: how bundlers give the classes
  export default classes;
}
