/** Values in the heart label map, as `heartLabels` lists them. */
export const label = {
  /** No structure of the heart. */
  none: 0,
  myocardium: 1,
  leftAtrium: 2,
  leftVentricle: 3,
  rightAtrium: 4,
  rightVentricle: 5,
  aorta: 6,
  pulmonaryArtery: 7,
} as const;
